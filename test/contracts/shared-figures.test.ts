/** Gateways that share a store tell one another's consoles of themselves: over each kind of store that can be shared. */
import { CompressedStore } from '../../gateway/cache/stores/compressed';
import { OtherGateways } from '../../gateway/console/other-gateways';
import { missingKinds, storeKinds, type TestStores } from '../support/cache-stores';
import { skippedWithoutRedis } from '../support/redis-server';
import { figuresOf, summaryAt } from '../support/gateway-figures';
import { eventually } from '../support/process';

for (const kind of missingKinds) it.skip(`the ${kind} store: ${skippedWithoutRedis}`, () => undefined);

// Consoles do not use the memory before a shared store.
const kinds = storeKinds.filter(([kind]) => !kind.startsWith('tiered'));

describe.each(kinds)('gateways that share a %s store', (_, start) => {
  let stores: TestStores;
  const open: OtherGateways[] = [];
  beforeEach(async () => {
    stores = await start();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.stop()));
    await stores.close();
  });

  async function join(name: string, options: { slots?: number } = {}): Promise<OtherGateways> {
    const store = new CompressedStore(await stores.open(), 1024);
    const collect = () =>
      Promise.resolve({ figures: figuresOf('products', 3), requests: [summaryAt(`of ${name}`, 1)] });
    const joined = new OtherGateways({ ...{ store, name, collect, interval: 20 }, ...options });
    open.push(joined);
    return joined;
  }
  const namesIn = async (gateway: OtherGateways): Promise<string[]> =>
    (await gateway.known()).others.map(({ name }) => name);
  /** Resolves when a gateway knows these others, and no more. */
  const knows = (gateway: OtherGateways, ...names: string[]): Promise<void> =>
    eventually(async () => (await namesIn(gateway)).join() === names.join());

  it('see the figures and the requests of one another, and not their own', async () => {
    const [one, other] = [await join('one'), await join('other')];
    await knows(one, 'other');
    await knows(other, 'one');
    const { others, view } = await one.known();
    expect(others[0]).toMatchObject({
      figures: figuresOf('products', 3),
      requests: [summaryAt('of other', 1)],
    });
    expect(view).toMatchObject({
      own: 'one',
      all: [{ name: 'one', age: 0 }, { name: 'other' }],
      troubles: [],
    });
  });

  it('do not see one that has stopped', async () => {
    const [one, other] = [await join('one'), await join('other')];
    await knows(one, 'other');
    await other.stop();
    stores.advance(1_000);
    await knows(one);
  });

  it('have a slot each, also if they start at once, as long as there are slots', async () => {
    const names = ['a', 'b', 'c'];
    const all = await Promise.all(names.map((name) => join(name, { slots: 3 })));
    await Promise.all(all.map((each, i) => knows(each, ...names.filter((name) => name !== names[i]))));
    const late = await join('d', { slots: 3 });
    await eventually(async () => (await late.known()).view.troubles.length === 1);
    const { troubles } = (await late.known()).view;
    expect(troubles).toEqual(['3 others share their figures already: they do not see this one.']);
    expect(await namesIn(late)).toEqual(names);
    await all[0]!.stop();
    stores.advance(1_000);
    await knows(late, 'b', 'c');
    await knows(all[1]!, 'c', 'd');
    expect((await late.known()).view.troubles).toEqual([]);
  });
});
