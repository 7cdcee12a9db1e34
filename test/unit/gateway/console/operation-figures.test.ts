import fc from 'fast-check';
import { mergeOperations } from '../../../../gateway/console/describe-operations';
import {
  column,
  type CountedOperationFigures,
  OperationFigures,
  type OperationFiguresOptions,
  periodLength,
} from '../../../../gateway/console/operation-figures';
import type { MeasuredRequest } from '../../../../gateway/telemetry/statistics/request-statistics';
import { heapUsed } from '../../../support/heap';

const MiB = 1024 * 1024;
const start = 6_000_000 * periodLength;

function open(options: Partial<OperationFiguresOptions> = {}) {
  let now = start;
  const figures = new OperationFigures({ memory: 4 * MiB, now: () => now, ...options });
  const count = (given: Partial<MeasuredRequest> = {}, seconds = 0.02, status = 200) =>
    figures.count(request(given), status, seconds);
  return {
    figures,
    count,
    pass: (milliseconds: number) => (now += milliseconds),
    /** The counts by name. */
    read: (range: 'quarter' | 'hour' | 'day' = 'day') =>
      new Map(figures.read(range).operations.map((each) => [each.name, each])),
  };
}

const request = (given: Partial<MeasuredRequest>): MeasuredRequest => ({
  head: { method: 'POST', url: '/graphql', headers: {} },
  ...{ operation: undefined, earlierOperations: undefined },
  ...{ clientName: 'web', clientVersion: '1', span: undefined, id: 'r1' },
  ...{ codes: undefined, errors: undefined, cacheResult: undefined, callsSent: 0, graphLabel: undefined },
  ...given,
});

/** An operation whose signature is its name. */
const operationOf = (name: string | null, type = 'query', hash = `hash of ${name}`) => ({
  ...{ name, type, id: `document of ${name}`, signature: () => ({ hash, text: `{${hash}}` }) },
});
const page = operationOf('Page');

it('counts requests, failed and cached ones, calls and durations by operation', () => {
  const { count, read } = open();
  count({ operation: page, callsSent: 2 });
  count({ operation: page, callsSent: 1, codes: new Set(['TIMEOUT']) });
  count({ operation: page, cacheResult: 'HIT' }, 0.0001);
  count({ operation: operationOf('Cart') }, 0.02, 503);
  const { counts, clients } = read().get('Page')!;
  expect(counts.slice(0, column.durations)).toEqual([3, 1, 1, 3]);
  expect(counts[column.durations]).toBe(1);
  expect(clients).toEqual([{ name: 'web', version: '1', requests: 3 }]);
  expect(read().get('Cart')!.counts.slice(0, 2)).toEqual([1, 1]);
});

it('counts operations with the same signature as one, and shows its beginning where it has no name', () => {
  const { count, read } = open();
  for (const each of ['a', 'b', 'c'])
    count({ operation: { ...operationOf(null, 'query', 'same'), id: each } });
  const [{ name, id, counts }] = [...read().values()] as [CountedOperationFigures];
  expect({ name, id, requests: counts[0] }).toEqual({ name: '{same}', id: 'c', requests: 3 });
});

it('counts each operation of a batch, and its calls once', () => {
  const { count, read } = open();
  count({ operation: page, earlierOperations: [operationOf('Cart')], callsSent: 3 });
  expect([...read().values()].map(({ name, counts }) => [name, counts[0], counts[column.calls]])).toEqual([
    ['Page', 1, 3],
    ['Cart', 1, 0],
  ]);
});

it('counts requests that were refused before their operation was known in one row, beside those of operations', () => {
  const { count, read, pass, figures } = open({ most: 2 });
  const refused = { codes: new Set(['GRAPHQL_VALIDATION_FAILED']) };
  for (let i = 0; i < 20; i++) count(refused, 0.02, 400);
  count({ operation: page });
  pass(periodLength);
  expect(figures.failed).toBe(20);
  expect([...read().values()].map(({ key, counts }) => [key, ...counts.slice(0, 2)])).toEqual([
    ['refused', 20, 20],
    ['hash of Page', 1, 0],
  ]);
});

it('cuts names to 64 characters, and has no durations of subscriptions', () => {
  const { count, read } = open();
  count({ operation: operationOf('N'.repeat(100), 'subscription') });
  const [{ name, counts }] = [...read().values()] as [CountedOperationFigures];
  expect(name).toBe(`${'N'.repeat(64)}…`);
  expect(counts.slice(column.durations).every((each) => each === 0)).toBe(true);
});

it('names the most frequent clients, whoever came first and comes between, and says that there are more', () => {
  const { count, read } = open();
  let others = 0;
  const from = (clientName = `once ${others++}`) => count({ operation: page, clientName });
  for (let i = 0; i < 5; i++) from();
  expect(read().get('Page')!.hasMoreClients).toBe(false);
  for (let i = 0; i < 200; i++) {
    from('web');
    if (i % 2 === 0) from('ios');
    if (i % 3 === 0) from();
  }
  const { clients, hasMoreClients } = read().get('Page')!;
  const { web, ios, ...once } = Object.fromEntries(clients.map(({ name, requests }) => [name, requests]));
  expect({ web, ios, once: Object.values(once), hasMoreClients }).toEqual({
    ...{ web: 200, ios: 100, once: [1, 1, 1], hasMoreClients: true },
  });
});

it('shows the range that is requested, and trends over time', () => {
  const { count, read, pass, figures } = open();
  count({ operation: page });
  pass(6 * periodLength);
  for (let i = 0; i < 3; i++) count({ operation: page });
  pass(periodLength);
  expect(read('quarter').get('Page')!.counts[0]).toBe(3);
  expect(read('hour').get('Page')!.counts[0]).toBe(4);
  expect(read('hour').get('Page')!.trend).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0]);
  expect(figures.read('quarter').since).toBe(start + 5 * periodLength);
  expect(figures.read('day').since).toBe(start);
});

it('forgets what is older than a day, and counts anew what comes again', () => {
  const { count, read, pass } = open();
  count({ operation: page });
  pass(287 * periodLength);
  expect(read().get('Page')!.counts[0]).toBe(1);
  pass(periodLength);
  expect(read().size).toBe(0);
  count({ operation: page });
  expect(read().get('Page')!.counts[0]).toBe(1);
});

it('goes on where the clock is set back', () => {
  const { count, read, pass } = open();
  count({ operation: page });
  pass(periodLength);
  count({ operation: page });
  pass(-4 * periodLength);
  count({ operation: page });
  expect(read().get('Page')!.counts[0]).toBe(1);
});

it('counts operations that have no row in one, and makes room for others by and by', () => {
  const { count, read, pass } = open({ most: 10 });
  for (let i = 0; i < 12; i++) for (let k = 0; k <= i; k++) count({ operation: operationOf(`Of${i}`) });
  expect(read().size).toBe(11);
  expect(read().get('other')!.counts[0]).toBe(11 + 12);
  pass(periodLength);
  count({ operation: operationOf('New') });
  const names = [...read().keys()];
  expect(names).toContain('New');
  expect(names).not.toContain('Of0');
  expect(read().get('other')!.counts[0]).toBe(11 + 12 + 1 + 2);
});

it('loses no request, whatever comes when, and keeps within its memory', () => {
  const event = fc.record({ name: fc.nat(30), minutes: fc.nat(8), times: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), fc.constantFrom(20_000, MiB), (events, memory) => {
      const { count, figures, pass, read } = open({ memory, most: 20 });
      let sent = 0;
      for (const { name, minutes, times } of events) {
        pass(minutes * 60_000);
        for (let i = 0; i < times; i++) count({ operation: operationOf(`Of${name}`) });
        sent += times;
        expect(figures.bytes).toBeLessThanOrEqual(memory);
      }
      const counted = [...read().values()].reduce((sum, { counts }) => sum + counts[0]!, 0);
      if (memory === MiB) expect(counted).toBe(sent);
      else expect(counted).toBeLessThanOrEqual(sent);
    }),
    { numRuns: 30 },
  );
});

it('adds up what several processes have counted, at the same times', () => {
  const [one, other] = [open(), open()];
  one.count({ operation: page });
  other.count({ operation: page, clientName: 'ios' });
  other.pass(periodLength);
  other.count({ operation: operationOf('Cart') });
  const { operations, newest } = mergeOperations(
    [one.figures.read('hour'), other.figures.read('hour')],
    'hour',
  );
  expect(newest).toBe(start / periodLength + 1);
  expect(operations.map(({ name, counts, trend }) => [name, counts[0], trend.slice(-2)])).toEqual([
    ['Page', 2, [2, 0]],
    ['Cart', 1, [0, 1]],
  ]);
  expect(operations[0]!.clients.map(({ name }) => name)).toEqual(['web', 'ios']);
});

it('takes about the memory that is counted', async () => {
  let opened: ReturnType<typeof open> | undefined = open();
  const fill = ({ count, pass }: ReturnType<typeof open>): void => {
    for (let period = 0; period < 40; period++) {
      for (let i = 0; i < 1000; i++)
        count({
          operation: operationOf(`Operation${i}`, 'query', `${i}`.padStart(32, '0')),
          ...{ clientName: `client ${i % 5} ${period % 20}`, clientVersion: `1.${period % 20}` },
        });
      pass(periodLength);
    }
  };
  fill(opened);
  const { bytes } = opened.figures;
  expect(bytes).toBeLessThanOrEqual(4 * MiB);
  const all = await heapUsed();

  opened = undefined;
  const taken = all - (await heapUsed());

  expect(bytes / taken).toBeGreaterThan(0.8);
  expect(bytes / taken).toBeLessThan(1.6);
});
