import fc from 'fast-check';
import type { Clock, Store } from '../../gateway/cache/stores/store';
import { entryAt, missingKinds, storeKinds, type TestStores } from '../support/cache-stores';
import { skippedWithoutRedis } from '../support/redis-server';

/** What each entry is made of. */
const keys: Record<string, readonly string[]> = {
  user: ['user'],
  page: ['user', 'product', 'operation:Page'],
  product: ['product', 'operation:Product'],
};
const invalidations: Record<string, readonly string[]> = {
  user: ['user'],
  product: ['product'],
  'operation:P*': ['operation:Page', 'operation:Product'],
};

/** What gateways do; `wait` says whether the next one is done only when this one is over. */
const step = fc.record({
  gateway: fc.nat(1),
  wait: fc.boolean(),
  does: fc.oneof(
    fc.record({ kind: fc.constant('look' as const), key: fc.constantFrom(...Object.keys(keys)) }),
    fc.record({ kind: fc.constant('fetch' as const), key: fc.constantFrom(...Object.keys(keys)) }),
    fc.record({ kind: fc.constant('keep' as const), which: fc.nat(3) }),
    fc.record({ kind: fc.constant('change' as const), tag: fc.constantFrom(...Object.keys(invalidations)) }),
    fc.record({
      kind: fc.constant('pass' as const),
      milliseconds: fc.constantFrom(1, 30_000, 60_000, 90_000),
    }),
  ),
});
type Does = ReturnType<typeof step.generate>['value']['does'];

for (const kind of missingKinds) it.skip(`the ${kind} store: ${skippedWithoutRedis}`, () => undefined);

describe.each(storeKinds)('the %s store', (_, start) => {
  let stores: TestStores;
  let gateways: Store[];
  beforeAll(async () => {
    stores = await start();
    gateways = [await stores.open(), await stores.open()];
  });
  afterAll(() => stores.close());

  let runs = 0;
  it('finds nothing that was invalidated before the look began, whatever happens at once', async () => {
    // A slow machine does fewer runs, but never none.
    const until = performance.now() + 3_000;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        if (runs > 0 && performance.now() > until) return;
        const world = new World(stores, gateways, `run${runs++}`);
        const going: Promise<void>[] = [];
        for (const { gateway, wait, does } of steps) {
          const done = world.act(gateway, does);
          going.push(done);
          // Where one fails, nobody waits for the others.
          done.catch(() => undefined);
          if (wait) await done;
        }
        await Promise.all(going);
      }),
      { numRuns: 60 },
    );
  });
});

/** The origin of the answers, whose parts have versions, and the gateways in front of it. */
class World {
  readonly #versions = new Map<string, number>();
  /** The oldest versions that each gateway may still find. */
  readonly #confirmed = [new Map<string, number>(), new Map<string, number>()];
  readonly #fetched: {
    readonly gateway: number;
    readonly key: string;
    readonly value: string;
    readonly clock: Clock;
  }[] = [];

  constructor(
    readonly stores: TestStores,
    readonly gateways: readonly Store[],
    readonly name: string,
  ) {}

  async act(gateway: number, does: Does): Promise<void> {
    const store = this.gateways[gateway]!;
    switch (does.kind) {
      case 'look': {
        const least = new Map(this.#confirmed[gateway]);
        const { entries } = await store.get([this.#own(does.key)]);
        this.#check(entries[0]?.value, least);
        return;
      }
      case 'fetch': {
        const { clock } = await store.get([this.#own(does.key)]);
        const versions = keys[does.key]!.map((tag) => [tag, this.#versions.get(tag) ?? 0]);
        const value = JSON.stringify(Object.fromEntries(versions));
        this.#fetched.push({ gateway, key: does.key, value, clock });
        return;
      }
      case 'keep': {
        const [fetched] = this.#fetched.splice(does.which % Math.max(1, this.#fetched.length), 1);
        if (fetched === undefined) return;
        const { key, value, clock } = fetched;
        const entry = entryAt(this.stores.now(), { value, tags: keys[key]!.map((tag) => this.#tag(tag)) });
        await this.gateways[fetched.gateway]!.set(new Map([[this.#own(key), entry]]), clock);
        return;
      }
      case 'change': {
        const changed = invalidations[does.tag]!.map((tag) => {
          const version = (this.#versions.get(tag) ?? 0) + 1;
          this.#versions.set(tag, version);
          return [tag, version] as const;
        });
        await store.invalidate([this.#tag(does.tag)]);
        this.#confirm(gateway, changed);
        await this.stores.settle();
        this.#confirm(1 - gateway, changed);
        return;
      }
      case 'pass':
        this.stores.advance(does.milliseconds);
        return;
      default:
        does satisfies never;
    }
  }

  #confirm(gateway: number, changed: readonly (readonly [string, number])[]): void {
    const confirmed = this.#confirmed[gateway]!;
    for (const [tag, version] of changed) confirmed.set(tag, Math.max(version, confirmed.get(tag) ?? 0));
  }

  #check(value: Buffer | undefined, least: ReadonlyMap<string, number>): void {
    if (value === undefined) return;
    for (const [tag, version] of Object.entries(JSON.parse(value.toString()) as Record<string, number>)) {
      if (version < (least.get(tag) ?? 0))
        throw new Error(`${tag} was found in version ${version}, but ${least.get(tag)} was confirmed.`);
    }
  }

  #own(key: string): string {
    return `${this.name}:${key}`;
  }

  /** A prefix of the tags that end the same in each run. */
  #tag(tag: string): string {
    return `${this.name}:${tag}`;
  }
}
