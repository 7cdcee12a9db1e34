import { buildSchema } from 'graphql';
import { createLogger } from '../../../../gateway/telemetry/logger';
import { createMetrics, type Metrics } from '../../../../gateway/telemetry/metrics/metrics';
import { createUsageRecorder, type UsageSink } from '../../../../gateway/usage/recorder';

type Segment = Parameters<UsageSink['putSegment']>[0];

const schema = buildSchema(`
  enum Order { BEST NEWEST }
  input Filter { order: Order  and: [Filter!] }
  type Query { search(text: String, filter: Filter, order: Order): [ID!] }
`);
let metrics: Metrics;
let segments: Map<string, Segment>;
let operations: Map<string, string>;
let fails: boolean;
beforeEach(() => {
  metrics = createMetrics();
  segments = new Map();
  operations = new Map();
  fails = false;
});
afterEach(() => metrics.close());

const sink: UsageSink = {
  putOperation: async (hash, text) => void operations.set(hash, text),
  putSegment: async (segment) => {
    if (fails) throw new Error('No.');
    segments.set(segment.id, segment);
  },
};
const create = (segmentSize?: number) =>
  createUsageRecorder({
    sink,
    logger: createLogger({ level: 'silent' }),
    meter: metrics.meter,
    interval: 1_000_000,
    ...(segmentSize === undefined ? {} : { segmentSize }),
  });
const client = (clientName: string, clientVersion = '1') => ({ clientName, clientVersion });
const counts = () => [...segments.values()].flatMap((segment) => segment.counts);

it('counts the requests of each operation and client', async () => {
  const recorder = create();
  const search = recorder.operation('query S { search(text: "x") }', 'S', schema);
  const other = recorder.operation('{ search(order: BEST) }', undefined, schema);
  for (let i = 0; i < 1000; i++) {
    search(client('web'), {});
    if (i % 2 === 0) search(client('ios', '7'), {});
    if (i % 10 === 0) other(client(''), {});
  }
  await recorder.close();
  const named = counts().map(({ operation, ...rest }) => ({ ...rest, operation: operations.get(operation) }));
  expect(named).toEqual([
    { client: 'web', version: '1', requests: 1000, operation: 'query S{search(text:"")}' },
    { client: 'ios', version: '7', requests: 500, operation: 'query S{search(text:"")}' },
    { client: '', version: '1', requests: 100, operation: '{search(order:BEST)}' },
  ]);
});

it('counts the requests whose variables have an enum value or an input field, each once', async () => {
  const recorder = create();
  const search = recorder.operation(
    'query ($f: Filter, $o: Order) { search(filter: $f, order: $o) }',
    undefined,
    schema,
  );
  search(client('web'), { f: { order: 'BEST', and: [{ order: 'BEST' }, { order: 'NEWEST' }] }, o: 'BEST' });
  search(client('web'), { o: 'BEST', f: null });
  search(client('web'), { f: { unknown: 1 }, o: 'SECRET' });
  await recorder.close();
  expect(counts()[0]!.inputs).toEqual({
    Filter: 2,
    'Filter.order': 1,
    'Filter.and': 1,
    'Order.BEST': 2,
    'Order.NEWEST': 1,
  });
});

it('begins another segment when one is full, and loses nothing of either', async () => {
  const recorder = create(10);
  const search = recorder.operation('{ search }', undefined, schema);
  for (let i = 0; i < 300; i++) search(client(`c${i % 25}`), {});
  await recorder.close();
  expect([...segments.values()].every((segment) => segment.counts.length <= 10)).toBe(true);
  const dropped = /weir_usage_dropped_total (\d+)/.exec(metrics.text())?.[1] ?? '0';
  expect(counts().reduce((sum, { requests }) => sum + requests, 0) + Number(dropped)).toBe(300);
  expect(segments.size).toBeLessThanOrEqual(9);
});

it('writes again what could not be written', async () => {
  const recorder = create(1);
  const search = recorder.operation('{ search }', undefined, schema);
  search(client('a'), {});
  search(client('b'), {});
  fails = true;
  await recorder.close();
  expect(counts()).toEqual([]);
  fails = false;
  await recorder.close();
  expect(counts().map(({ client }) => client)).toEqual(['a', 'b']);
});
