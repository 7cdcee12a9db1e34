/** What every resolver of targets does. */
import { addressUrl, type Instance } from '../../gateway/discovery/resolver';
import { targetOf } from '../../gateway/options/targets';
import { eventually } from '../support/process';
import { type Registered, type Registry, resolverKinds } from '../support/resolvers';
import { within } from '../support/times';

const port = 4001;
const [a, b, c]: readonly Registered[] = [
  { address: '10.0.0.1', port, zone: 'eu-1a' },
  { address: '10.0.0.2', port, zone: 'eu-1b' },
  { address: 'fd00::3', port, zone: 'eu-1c' },
] as const satisfies readonly Registered[];

describe.each(resolverKinds)('the resolver $name', ({ name, skipped, start }) => {
  const run = skipped === undefined ? it : it.skip;
  let registry: Registry;
  let stopWatching: (() => void) | undefined;
  beforeAll(async () => {
    if (skipped === undefined) registry = await start({ port });
  });
  afterEach(() => {
    stopWatching?.();
    if (skipped === undefined) registry.revive();
  });
  afterAll(() => skipped === undefined && registry.stop());

  function watch() {
    const told = { lists: [] as (readonly Instance[])[], failures: [] as Error[] };
    stopWatching = registry.resolver.watch(targetOf(registry.target), {
      found: (instances) => told.lists.push(instances),
      failed: (error) => told.failures.push(error),
    });
    return told;
  }
  const addressesOf = (instances: readonly Instance[] = []) => instances.map(({ address }) => address).sort();

  run('tells the instances, with the path of the target', async () => {
    await registry.register([a]);
    const { lists } = watch();
    await eventually(() => lists.length > 0);
    const [instance] = lists[0]!;
    expect(addressUrl(instance!)).toBe(
      name === 'static' ? 'http://127.0.0.1:4001/graphql' : 'http://10.0.0.1:4001/graphql',
    );
    expect(new URL(instance!.url).hostname).toBe(
      { static: '127.0.0.1', cloudmap: 'stock.shop.test' }[name] ?? 'stock.test',
    );
    expect(instance!.zone).toBe(registry.keeps.zones ? 'eu-1a' : undefined);
  });

  run('tells nothing after it was stopped', async () => {
    await registry.register([a]);
    const told = watch();
    stopWatching!();
    await eventually(() => true);
    const before = told.lists.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(told.lists).toHaveLength(before);
    expect(told.failures).toEqual([]);
  });

  if (name === 'static') return;

  run('tells of a new instance and of one that left within its interval and a second', async () => {
    await registry.register([a, b]);
    const { lists } = watch();
    await eventually(() => addressesOf(lists.at(-1)).join() === '10.0.0.1,10.0.0.2');
    await registry.register([b, c]);
    const changedAt = performance.now();
    await eventually(() => addressesOf(lists.at(-1)).join() === '10.0.0.2,fd00::3');
    // A DNS answer lives for a second here.
    expect(performance.now() - changedAt).toBeLessThan(within(name === 'dns' ? 2000 : 1200));
  });

  run('tells that there is no instance, which is no failure', async () => {
    await registry.register([]);
    const { lists, failures } = watch();
    await eventually(() => lists.length > 0);
    expect(lists[0]).toEqual([]);
    expect(failures).toEqual([]);
  });

  run('tells of each question without an answer, and goes on', async () => {
    await registry.register([a]);
    registry.die();
    const { lists, failures } = watch();
    await eventually(() => failures.length > 1);
    expect(lists).toEqual([]);
    if (skipped === undefined) registry.revive();
    await eventually(() => lists.length > 0);
    expect(addressesOf(lists[0])).toEqual(['10.0.0.1']);
  });

  if (name === 'cloudmap') return;

  run('tells all instances of an answer that is too long for UDP', async () => {
    const many = Array.from({ length: 60 }, (_, i) => ({ address: `10.0.1.${i}`, port }));
    await registry.register(many);
    const { lists } = watch();
    await eventually(() => lists.length > 0);
    expect(addressesOf(lists[0])).toEqual(many.map(({ address }) => address).sort());
  });
});
