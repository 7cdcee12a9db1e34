import type { Instance, Watcher } from '../../../../gateway/discovery/resolver';
import { mostInstances, WatchedTarget } from '../../../../gateway/discovery/watched-target';
import { targetOf } from '../../../../gateway/options/targets';
import { Meter } from '../../../../gateway/telemetry/metrics/meter';
import { DiscoveryStatistics } from '../../../../gateway/telemetry/statistics/discovery-statistics';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const instance = (address: string, zone?: string): Instance => ({
  url: 'http://stock.test:4001/',
  address,
  zone,
});
const list = (count: number) =>
  Array.from({ length: count }, (_, i) => instance(`10.0.${i >> 8}.${i & 255}`));

function watch(more: { readonly isLoopbackAllowed?: boolean; readonly zone?: string } = {}) {
  const log: { level: string; message: string; facts: object }[] = [];
  const note = (level: string) => (facts: object, message: string) => log.push({ level, message, facts });
  const logger = { info: note('info'), warn: note('warn'), error: note('error') };
  const meter = new Meter();
  let watcher!: Watcher;
  let isStopped = false;
  const target: WatchedTarget = new WatchedTarget({
    subgraph: 'stock',
    target: targetOf('dns://stock.test:4001?protocol=http'),
    ...{ emptyAfter: 60_000, isLoopbackAllowed: false, zone: undefined, ...more },
    resolver: {
      watch: (_, its) => {
        watcher = its;
        return () => (isStopped = true);
      },
    },
    statistics: new DiscoveryStatistics(meter, () => [target]),
    logger: logger as never,
  });
  const changes: string[][] = [];
  const addresses = () => target.instances.map(({ address }) => address!);
  target.onChange(() => changes.push(addresses()));
  const value = (name: string) =>
    meter.collect().find((metric) => metric.name === name)?.series[0]?.value as number | undefined;
  const messages = () => log.map(({ level, message }) => `${level}: ${message}`);
  return { target, watcher, log, messages, changes, addresses, value, isStopped: () => isStopped };
}

it('tells of changes only', () => {
  const { watcher, changes, value, log } = watch();
  watcher.found([instance('10.0.0.2'), instance('10.0.0.1')]);
  watcher.found([instance('10.0.0.1'), instance('10.0.0.2'), instance('10.0.0.1')]);
  watcher.found([instance('10.0.0.1', 'b'), instance('10.0.0.3')]);
  watcher.found([instance('10.0.0.1', 'a'), instance('10.0.0.3')]);
  expect(changes).toEqual([
    ['10.0.0.1', '10.0.0.2'],
    ['10.0.0.1', '10.0.0.3'],
    ['10.0.0.1', '10.0.0.3'],
  ]);
  expect(value('weir.discovery.changes')).toBe(3);
  expect(value('weir.discovery.endpoints')).toBe(2);
  expect(log[1]!.facts).toEqual({
    subgraph: 'stock',
    target: 'dns://stock.test:4001',
    endpoints: 2,
    added: ['http://10.0.0.3:4001/'],
    removed: ['http://10.0.0.2:4001/'],
  });
});

it('keeps the last good list while nobody answers, and says once that nobody does and that it is over', async () => {
  const { target, watcher, addresses, messages, value } = watch();
  watcher.found([instance('10.0.0.1')]);
  for (let i = 0; i < 60; i++) {
    await jest.advanceTimersByTimeAsync(5000);
    watcher.failed(new Error('timeout'));
  }
  expect(addresses()).toEqual(['10.0.0.1']);
  expect(target.age).toBe(300);
  expect(value('weir.discovery.age')).toBe(300);
  expect(value('weir.discovery.failures')).toBe(60);
  watcher.found([instance('10.0.0.1')]);
  expect(target.age).toBe(0);
  expect(messages()).toEqual([
    'info: the endpoints of a subgraph changed',
    'warn: endpoints could not be looked up: the last ones are used',
    'info: endpoints are found again',
  ]);
});

it('becomes empty only when answers have been empty for long enough', async () => {
  const { watcher, addresses, messages } = watch();
  watcher.found([instance('10.0.0.1')]);
  watcher.found([]);
  await jest.advanceTimersByTimeAsync(59_000);
  watcher.found([]);
  watcher.found([instance('10.0.0.1')]);
  watcher.found([]);
  await jest.advanceTimersByTimeAsync(59_000);
  watcher.found([]);
  expect(addresses()).toEqual(['10.0.0.1']);
  await jest.advanceTimersByTimeAsync(1000);
  // A failure says nothing of what there is.
  watcher.failed(new Error('timeout'));
  expect(addresses()).toEqual(['10.0.0.1']);
  watcher.found([]);
  expect(addresses()).toEqual([]);
  watcher.found([instance('10.0.0.2')]);
  expect(addresses()).toEqual(['10.0.0.2']);
  expect(messages().filter((each) => !each.startsWith('info'))).toEqual([
    'warn: no endpoint was found: the last ones are used',
    'warn: no endpoint was found: the last ones are used',
    'warn: endpoints could not be looked up: the last ones are used',
    'error: no endpoint was found for too long: there is none now',
  ]);
});

it.each([
  ['link-local', '169.254.169.254'],
  ['link-local', 'fe80::1'],
  ['metadata', '100.100.100.200'],
  ['metadata in IPv6', '::ffff:169.254.169.254'],
  ['loopback', '127.0.0.1'],
  ['loopback', '127.8.0.1'],
  ['loopback', '::1'],
  ['loopback in IPv6', '::ffff:127.0.0.1'],
  ['unspecified', '0.0.0.0'],
  ['no', 'stock.test'],
])('refuses a %s address: %s', (_, address) => {
  const { watcher, addresses, messages } = watch();
  watcher.found([instance(address), instance('10.0.0.1')]);
  watcher.found([instance(address), instance('10.0.0.1')]);
  expect(addresses()).toEqual(['10.0.0.1']);
  expect(messages()[0]).toBe('warn: addresses of a subgraph are refused');
  expect(messages()).toHaveLength(2);
  // Nor does an answer with nothing else replace a good list.
  watcher.found([instance(address)]);
  expect(addresses()).toEqual(['10.0.0.1']);
});

it('takes loopback addresses where that is allowed, and nothing else', () => {
  const { watcher, addresses } = watch({ isLoopbackAllowed: true });
  watcher.found([instance('127.0.0.1'), instance('169.254.169.254')]);
  expect(addresses()).toEqual(['127.0.0.1']);
});

it('uses at most 100 of many instances, and the same ones for as long as they are there', () => {
  const { watcher, addresses, changes, messages } = watch();
  watcher.found(list(300));
  const used = addresses();
  expect(used).toHaveLength(mostInstances);
  expect(new Set(used).size).toBe(100);
  watcher.found(list(300).reverse());
  expect(changes).toHaveLength(1);
  const [first, ...others] = used;
  watcher.found(list(300).filter(({ address }) => address !== first));
  expect(addresses().filter((each) => others.includes(each))).toHaveLength(99);
  expect(messages().filter((each) => each === 'warn: some endpoints are not used')).toHaveLength(1);
});

it('gives instances without a zone that of the endpoint in the options', () => {
  const { watcher, target } = watch({ zone: 'eu-1a' });
  watcher.found([instance('10.0.0.1'), instance('10.0.0.2', 'eu-1b')]);
  expect(target.instances.map(({ zone }) => zone)).toEqual(['eu-1a', 'eu-1b']);
});

it.each(['found', 'failed'] as const)('is ready after the first outcome: %s', async (outcome) => {
  const { target, watcher } = watch();
  let isReady = false;
  void target.ready.then(() => (isReady = true));
  await jest.advanceTimersByTimeAsync(0);
  expect(isReady).toBe(false);
  if (outcome === 'found') watcher.found([]);
  else watcher.failed(new Error('timeout'));
  await jest.advanceTimersByTimeAsync(0);
  expect(isReady).toBe(true);
});

it('stops its resolver when it is closed', () => {
  const { target, isStopped } = watch();
  target.close();
  expect(isStopped()).toBe(true);
});
