/** gateway/shadow/shadow.ts and gateway/shadow/record.ts, with a gateway that is busy when the test says so. */
import { setImmediate as turn } from 'node:timers/promises';
import { parseOptions } from '../../../../gateway/options';
import type { EndpointAnswer } from '../../../../gateway/replay/compare';
import type { Arrival } from '../../../../gateway/request/pipeline';
import { addShadows, ShadowRecord } from '../../../../gateway/shadow/record';
import type { ShadowQuery } from '../../../../gateway/shadow/send';
import { Shadow } from '../../../../gateway/shadow/shadow';
import { TransportError } from '../../../../gateway/subgraph-calls/contract/transport';
import { Meter } from '../../../../gateway/telemetry/metrics/meter';

const timeout = () => new TransportError('shadow', 'timeout');
const document = '{ a }';
const body = Buffer.from(JSON.stringify({ query: document, variables: { b: 1 } }));

function open(more: object = {}) {
  const options = parseOptions({
    shadow: { url: 'http://shadow.test/', share: 1, perSecond: 100, ...more },
  }).shadow!;
  const sent: (ShadowQuery & {
    resolve: (answer: EndpointAnswer) => void;
    reject: (error: Error) => void;
  })[] = [];
  const logged: unknown[][] = [];
  const log = (...line: unknown[]): void => void logged.push(line);
  const state = { isBusy: false };
  const shadow = new Shadow({
    options,
    record: new ShadowRecord(new Meter()),
    isBusy: () => state.isBusy,
    sender: {
      send: (query) => new Promise((resolve, reject) => sent.push({ ...query, resolve, reject })),
      async close() {
        for (const { reject } of sent) reject(new TransportError('shadow', 'closed'));
      },
    },
    logger: { info: log, warn: log, error: log } as never,
  });

  /** Answers a request as the pipeline does. Returns what its end calls. */
  function answer(text = '{"data":{"a":1}}', request: object = {}): () => void {
    let ended = (): void => undefined;
    const arrival = {
      body,
      request: {
        ...{ head: { method: 'POST', url: '/', headers: {} }, start: performance.now(), isGone: false },
        operation: { id: 'hash', name: null, type: 'query', document, operationName: undefined },
        onEnd: (end: () => void) => (ended = end),
        ...request,
      },
    } as unknown as Arrival;
    shadow.begin(arrival);
    arrival.request.keepAnswer?.(Buffer.from(text));
    return () => ended();
  }
  const report = () => addShadows([shadow.counts()])!;
  return Object.assign(state, { shadow, sent, logged, answer, report });
}

it('sends a query in the turn of the event loop after its end, and compares the answers', async () => {
  const { sent, answer, report } = open();
  const end = answer();
  await turn();
  expect(sent).toEqual([]);
  end();
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toMatchObject([{ query: document, variables: { b: 1 }, headers: {} }]);
  sent[0]!.resolve({ status: 200, body: '{"data":{"a":2}}' });
  await turn();
  expect(report()).toMatchObject({ compared: 1, different: 1, operations: [{ hash: 'hash' }] });
});

it('sends nothing whose client has left', async () => {
  const { sent, answer } = open();
  answer(undefined, { isGone: true })();
  await turn();
  expect(sent).toEqual([]);
});

it('chooses a share of the requests', () => {
  const { shadow } = open({ share: 0.1 });
  let chosen = 0;
  for (let i = 0; i < 10_000; i++) {
    const request = { head: { headers: {} } } as unknown as Arrival['request'];
    shadow.begin({ request, body });
    if (request.keepAnswer !== undefined) chosen++;
  }
  expect(chosen / 10_000).toBeCloseTo(0.1, 1);
});

it('drops everything while the gateway is busy: new queries, those that wait, and answers that come', async () => {
  const shadow = open();
  const { sent, answer, report } = shadow;
  answer()();
  await turn();
  answer()();
  shadow.isBusy = true;
  answer()();
  await turn();
  sent[0]!.resolve({ status: 200, body: '{}' });
  await turn();
  expect(sent).toHaveLength(1);
  expect(report()).toMatchObject({ compared: 0, dropped: { load: 3 } });
  shadow.isBusy = false;
  answer()();
  await turn();
  expect(sent).toHaveLength(2);
});

it('sends 8 queries at once, and holds 64', async () => {
  const { sent, answer, report } = open();
  for (let i = 0; i < 70; i++) answer()();
  await turn();
  expect(sent).toHaveLength(8);
  expect(report().dropped).toEqual({ queue: 6 });
  sent[0]!.resolve({ status: 200, body: '{"data":{"a":1}}' });
  sent[1]!.reject(timeout());
  for (let i = 0; i < 3; i++) await turn();
  expect(sent).toHaveLength(10);
  for (let i = 0; i < 3; i++) answer()();
  expect(report().dropped).toEqual({ queue: 7 });
});

it('holds 16 MiB', () => {
  const { answer, report } = open({ longest: '10MiB' });
  for (let i = 0; i < 3; i++) answer(' '.repeat(6 * 1024 * 1024));
  expect(report().dropped).toEqual({ queue: 1 });
});

it('logs when failures begin and when they end', async () => {
  const { sent, answer, logged, report } = open();
  for (let i = 0; i < 4; i++) answer()();
  await turn();
  for (const { reject } of sent.slice(0, 2)) reject(timeout());
  await turn();
  for (const { resolve } of sent.slice(2)) resolve({ status: 200, body: '{"data":{"a":1}}' });
  await turn();
  expect(logged).toEqual([
    [{ reason: 'timeout' }, 'the shadow does not answer'],
    ['the shadow answers again'],
  ]);
  expect(report()).toMatchObject({ failed: { timeout: 2 }, equal: 2 });
});

it('drops what it holds when it is closed, and what ends later', async () => {
  const { shadow, sent, answer, report } = open();
  for (let i = 0; i < 10; i++) answer()();
  const late = answer();
  await turn();
  await shadow.close();
  await turn();
  late();
  await turn();
  expect(sent).toHaveLength(8);
  expect(report()).toMatchObject({ compared: 0, failed: {}, dropped: { closed: 11 } });
});

it('adds up what several processes have compared', async () => {
  const [one, other] = [open(), open()];
  for (const { sent, answer } of [one, other]) {
    answer()();
    await turn();
    sent[0]!.resolve({ status: 200, body: '{"data":{"a":2}}' });
  }
  other.answer()();
  await turn();
  other.sent[1]!.reject(timeout());
  await turn();
  const counts = JSON.parse(JSON.stringify([one.shadow.counts(), other.shadow.counts()]));
  expect(addShadows(counts)).toMatchObject({
    ...{ url: 'http://shadow.test/', processes: 2, compared: 2, different: 2, failed: { timeout: 1 } },
    operations: [{ compared: 2, paths: [{ path: 'a', count: 2 }] }],
  });
  expect(addShadows([])).toBeUndefined();
});
