import { MemoryStore } from '../../../../gateway/cache/stores/memory';
import { type CacheEntry, type Store, StoreUnavailable } from '../../../../gateway/cache/stores/store';
import { OtherGateways, type OtherGatewaysOptions } from '../../../../gateway/console/other-gateways';
import { figuresOf, summaryAt } from '../../../support/gateway-figures';
import { eventually } from '../../../support/process';

const open: OtherGateways[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.stop())));

/** A store that can be cut off, or hang. */
function breakable(store: Store) {
  const state = { is: 'up' as 'up' | 'down' | 'hanging' };
  const through = <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    if (state.is === 'up') return ask();
    return state.is === 'down' ? Promise.reject(new StoreUnavailable()) : new Promise(() => undefined);
  };
  return {
    state,
    get: (keys: readonly string[]) => through(() => store.get(keys)),
    set: (entries: ReadonlyMap<string, CacheEntry>, clock: string) =>
      through(() => store.set(entries, clock)),
  };
}

function join(name: string, options: Partial<OtherGatewaysOptions> & Pick<OtherGatewaysOptions, 'store'>) {
  const collect = () => Promise.resolve({ figures: figuresOf('products', 3), requests: [] });
  const joined = new OtherGateways({ name, collect, interval: 10, ...options });
  open.push(joined);
  return joined;
}

const newStore = () => new MemoryStore({ maxBytes: 1e7 });
const knows = (gateway: OtherGateways, ...names: string[]): Promise<void> =>
  eventually(async () => (await gateway.known()).others.map(({ name }) => name).join() === names.join());
const says = (gateway: OtherGateways, ...troubles: string[]): Promise<void> =>
  eventually(async () => (await gateway.known()).view.troubles.join('\n') === troubles.join('\n'));

it('one that ends without a word is shown for its lifetime', async () => {
  const store = newStore();
  const cut = breakable(store);
  const [one, killed] = [
    join('one', { store, lifetime: 300 }),
    join('killed', { store: cut, lifetime: 300 }),
  ];
  await knows(one, 'killed');
  await knows(killed, 'one');
  cut.state.is = 'down';
  await knows(one);
  expect((await one.known()).view.troubles).toEqual([]);
});

it('while the store is down, the others are shown for their lifetime, and then named', async () => {
  const store = newStore();
  const cut = breakable(store);
  const one = join('one', { store: cut, lifetime: 60_000, slots: 3 });
  const [other] = ['a', 'b'].map((name) => join(name, { store, slots: 3 }));
  await knows(one, 'a', 'b');
  // Then it has a place, which no later one takes.
  await knows(other!, 'b', 'one');
  cut.state.is = 'down';
  await says(one, 'The store that gateways share does not answer.');
  await knows(one, 'a', 'b');
  cut.state.is = 'up';
  await says(one);
  const brief = join('brief', { store: cut, lifetime: 300, slots: 4 });
  await knows(brief, 'a', 'b', 'one');
  cut.state.is = 'down';
  await says(brief, 'The store that gateways share does not answer: what is missing is of a, b, one.');
  expect((await brief.known()).others).toEqual([]);
});

it('nobody waits for a store that hangs, which is asked once', async () => {
  let asked = 0;
  const hanging = {
    get: () => {
      asked++;
      return new Promise<never>(() => undefined);
    },
    set: () => Promise.reject(new StoreUnavailable()),
  };
  const one = new OtherGateways({
    ...{ store: hanging, name: 'one', interval: 10 },
    collect: () => Promise.resolve({}),
  });
  await Promise.all(Array.from({ length: 50 }, () => one.known()));
  const { others, view } = await one.known();
  expect(others).toEqual([]);
  expect(view.troubles).toEqual(['The store that gateways share has not answered yet.']);
  // Once by who writes, and once by who reads.
  expect(asked).toBe(2);
});

it('names gateways of another version, and those with too much, and shows nothing else of them', async () => {
  const store = newStore();
  const one = join('one', { store });
  const long = 'x'.repeat(300_000);
  join('large', { store, collect: () => Promise.resolve({ figures: figuresOf(long, 1) }) });
  const requests = [summaryAt(long, 1)];
  join('listing', { store, collect: () => Promise.resolve({ figures: figuresOf('a', 1), requests }) });
  const newer = {
    get: (keys: readonly string[]) => store.get(keys),
    set: (entries: ReadonlyMap<string, CacheEntry>, clock: string) => {
      const changed = [...entries].map(([key, entry]) => {
        const text = entry.value.toString().replace('"format":2,', '"format":3,');
        return [key, { ...entry, value: Buffer.from(text) }] as const;
      });
      return store.set(new Map(changed), clock);
    },
  };
  join('newer', { store: newer });
  await knows(one, 'listing');
  await eventually(async () => (await one.known()).view.troubles.length === 3);
  const { troubles } = (await one.known()).view;
  expect([...troubles].sort()).toEqual([
    'large has more figures than can be shared, and is not shown.',
    'listing has more requests than can be shared: they are not listed.',
    'newer is of another version, and is not shown.',
  ]);
});

it.each(['', '{', 'null', '{"format":1}', '"text"', `{"id":"a","name":"${'x'.repeat(300_000)}"}`])(
  'takes no notice of an entry that is no summary: %.20s',
  async (text) => {
    const store = newStore();
    const { clock } = await store.get([]);
    const times = { storedAt: Date.now(), freshUntil: Date.now() + 60_000, keptUntil: Date.now() + 60_000 };
    const entry = { value: Buffer.from(text), tags: [], ...times };
    await store.set(new Map([['console:gateway:0', entry]]), clock);
    const [one, other] = [join('one', { store, slots: 2 }), join('other', { store, slots: 2 })];
    await knows(one, 'other');
    await knows(other, 'one');
    expect((await one.known()).view.troubles).toEqual([]);
  },
);
