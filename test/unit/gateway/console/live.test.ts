import fc from 'fast-check';
import {
  describeLive,
  type LiveParts,
  type LiveRecorder,
  mergeLive,
  recordLive,
} from '../../../../gateway/console/live';
import { Meter } from '../../../../gateway/telemetry/metrics/meter';
import { amountOf } from '../../../support/amounts';

const step = 5000;
let recorders: LiveRecorder[] = [];

beforeEach(() => {
  // At the end of a step, so that the first one that is taken is whole.
  jest.useFakeTimers({ now: 1_800_000_000_000 });
});

afterEach(() => {
  for (const recorder of recorders) recorder.stop();
  recorders = [];
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** A process that counts, and what the console reads of it. */
function start(meters: readonly Meter[] = [new Meter()]) {
  let failed = 0;
  const recorder = recordLive({ collect: (only) => meters[0]!.collect(only) }, () => failed);
  recorders.push(recorder);
  return {
    recorder,
    count: (what: Counted): void => {
      countIn(meters[0]!, what);
      if (what.code !== undefined) failed++;
    },
  };
}

interface Counted {
  readonly operation: string;
  readonly seconds: number;
  readonly code?: string | undefined;
  readonly subgraph: string;
  readonly hit: boolean;
}

function countIn(meter: Meter, { operation, seconds, code, subgraph, hit }: Counted): void {
  const method = { 'http.request.method': 'POST', 'url.scheme': 'http', 'weir.graph': undefined };
  meter
    .histogram('http.server.request.duration')
    .of({ ...method, 'http.route': '/graphql', 'http.response.status_code': 200, 'error.type': undefined })
    .record(seconds);
  meter
    .histogram('weir.graphql.operation.duration')
    .of({ 'graphql.operation.type': 'query', 'graphql.operation.name': operation })
    .record(seconds);
  meter
    .histogram('http.client.request.duration')
    .of({
      subgraph,
      'http.request.method': 'POST',
      'server.address': 'localhost',
      'server.port': 1,
      'http.response.status_code': 200,
      'error.type': code,
    })
    .record(seconds / 2);
  meter.sum('weir.client.requests').add(1, { 'client.name': 'web', 'client.version': operation });
  if (code !== undefined) meter.sum('weir.graphql.errors').add(1, { code, service: subgraph });
  meter.sum('weir.subgraph.fetches').add(1, { subgraph, result: hit ? 'cached' : 'sent' });
  meter.sum('weir.response_cache.requests').add(1, { result: hit ? 'hit' : 'miss' });
}

const request = (more: Partial<Counted> = {}): Counted => ({
  ...{ operation: 'Page', seconds: 0.02, subgraph: 'products', hit: false },
  ...more,
});

it('shows what each step has counted, per second', () => {
  const { recorder, count } = start();
  for (let i = 0; i < 10; i++) count(request());
  jest.advanceTimersByTime(step);
  count(request({ hit: true, code: 'TIMEOUT' }));
  jest.advanceTimersByTime(2 * step);

  const { series, since, at } = describeLive(recorder.parts());

  expect(since).toBe(1_800_000_000_000);
  expect(at).toBe(since + 3 * step);
  expect(series).toMatchObject({
    requests: [2, 0.2, 0],
    failed: [0, 0.2, 0],
    calls: [2, 0, 0],
    saved: [0, 0.2, 0],
    hits: [0, 1, null],
    entityHits: [null, null, null],
    // In the bucket from 10 to 25 ms, of which nothing more is known.
    p50: [17.5, 17.5, null],
    p99: [24.85, 24.85, null],
  });
});

it('does not count what was counted before it began', () => {
  const meter = new Meter();
  countIn(meter, request());
  const { recorder } = start([meter]);
  jest.advanceTimersByTime(step);
  const { series, operations } = describeLive(recorder.parts());
  expect(series.requests).toEqual([0]);
  expect(operations).toEqual([]);
});

it('lists operations, clients, codes and services, the most frequent first, up to now', () => {
  const { recorder, count } = start();
  count(request({ operation: 'Cart', seconds: 0.3, code: 'TIMEOUT', subgraph: 'reviews' }));
  count(request());
  jest.advanceTimersByTime(3 * 60_000);
  count(request());

  const live = describeLive(recorder.parts());

  expect(live.operations).toEqual([
    { type: 'query', name: 'Page', requests: 2, p50: 15, p95: 24, p99: 24.8 },
    { type: 'query', name: 'Cart', requests: 1, p50: 375, p95: 487.5, p99: 497.5 },
  ]);
  expect(live.clients).toEqual([
    { name: 'web', version: 'Page', requests: 2 },
    { name: 'web', version: 'Cart', requests: 1 },
  ]);
  expect(live.codes).toEqual([{ name: 'TIMEOUT', service: 'reviews', count: 1 }]);
  expect(live.services).toMatchObject([
    { name: 'products', calls: 2, errors: 0 },
    { name: 'reviews', calls: 1, errors: 1 },
  ]);
});

it('forgets what is older than 15 minutes, whatever is counted', () => {
  const { recorder, count } = start();
  for (let minute = 0; minute < 40; minute++) {
    count(request({ operation: `Of${minute}` }));
    jest.advanceTimersByTime(60_000);
  }
  const parts = recorder.parts();
  const { series, operations } = describeLive(parts);
  expect(series.requests).toHaveLength(180);
  expect(operations).toHaveLength(15);
  expect(operations.map(({ name }) => name)).toContain('Of39');
  expect(parts.recent.operations).toEqual([[`query\nOf39`, expect.anything()]]);
  expect(parts.recentSeconds).toBe(60);
});

it('leaves a gap for steps that a busy process did not take', () => {
  const { recorder, count } = start();
  jest.advanceTimersByTime(step);
  for (let i = 0; i < 30; i++) count(request());
  // The timer is due, and the process is busy for two steps more.
  jest.setSystemTime(Date.now() + 2 * step);
  jest.advanceTimersByTime(step);
  const { series } = describeLive(recorder.parts());
  expect(series.requests.slice(0, 3)).toEqual([0, null, null]);
  expect(series.requests).toHaveLength(4);
});

it('counts a series that was removed and came again from 0', () => {
  const meter = new Meter();
  const { recorder } = start([meter]);
  const clients = meter.sum('weir.client.requests');
  const client = { 'client.name': 'web', 'client.version': '1' };
  clients.add(7, client);
  jest.advanceTimersByTime(60_000);
  clients.remove(client);
  clients.add(2, client);
  expect(describeLive(recorder.parts()).clients).toEqual([{ name: 'web', version: '1', requests: 9 }]);
});

it('adds several processes up: merged parts are the parts of what all have counted', () => {
  const counted = fc.record({
    process: fc.nat({ max: 2 }),
    operation: fc.constantFrom('Page', 'Cart', '__proto__'),
    seconds: fc.constantFrom(0.001, 0.02, 0.3, 4, 30),
    code: fc.constantFrom(undefined, 'TIMEOUT', 'constructor'),
    subgraph: fc.constantFrom('products', 'reviews'),
    hit: fc.boolean(),
    steps: fc.nat({ max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(counted, { maxLength: 40 }), (all) => {
      const meters = [new Meter(), new Meter(), new Meter()];
      const whole = new Meter();
      const parts = meters.map((meter) => start([meter]).recorder);
      const { recorder } = start([whole]);
      for (const { process, steps, ...what } of all) {
        countIn(meters[process]!, what);
        countIn(whole, what);
        jest.advanceTimersByTime(steps * step);
      }
      jest.advanceTimersByTime(step);
      // As they come from another process.
      const sent = JSON.parse(JSON.stringify(parts.map((each) => each.parts()))) as LiveParts[];
      const merged = describeLive(mergeLive(sent));
      const expected = describeLive(recorder.parts());
      for (const each of recorders.splice(0)) each.stop();
      // The delay of the real event loop.
      const { loopDelay } = expected.series;
      expect({ ...merged.series, loopDelay }).toEqual(expected.series);
      expect(sorted({ ...merged, series: {} })).toEqual(sorted({ ...expected, series: {} }));
    }),
    { numRuns: amountOf('WEIR_ROUNDS', 30, 1000) },
  );
});

/** Rows with equal counts have no order. */
const sorted = (live: object) =>
  Object.fromEntries(
    Object.entries(live).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((row) => JSON.stringify(row)).sort() : value,
    ]),
  );

it('waits for the slower process, whose newest step is still to come', () => {
  const [fast, slow] = [start(), start()];
  for (const each of [fast, slow]) each.count(request());
  jest.advanceTimersByTime(step);
  const early = slow.recorder.parts();
  for (const each of [fast, slow]) for (let i = 0; i < 4; i++) each.count(request());
  jest.advanceTimersByTime(step);
  const { series } = describeLive(mergeLive([fast.recorder.parts(), early]));
  expect(series.requests).toEqual([0.4]);
});
