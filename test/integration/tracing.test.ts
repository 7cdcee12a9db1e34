/**
 * The spans that a collector gets over HTTP: of whole requests through a gateway and real subgraphs. Over 300 lines: each
 * kind of span, option and failure.
 */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GatewayOptions, loadOptions } from '../../gateway';
import { examplesOf, readPage } from '../support/documentation';
import { startGrpcReceiver } from '../support/grpc-receiver';
import {
  type OtlpReceiver,
  readTraces,
  type ReceivedSpan,
  startOtlpReceiver,
} from '../support/otlp-receiver';
import { readOpenMetrics } from '../support/openmetrics';
import { eventually } from '../support/process';
import { sampleSum, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, type SmallGraph, startSmallGraph, startSubgraph } from '../support/small-graph';
import { within } from '../support/times';
import { startTokenIssuer } from '../support/token-issuer';

let graph: SmallGraph;
let collector: OtlpReceiver;
const open: TestGateway[] = [];
const before = process.env;

beforeAll(async () => {
  graph = await startSmallGraph();
});
beforeEach(async () => {
  collector = await startOtlpReceiver();
  process.env = { ...before, OTEL_BSP_SCHEDULE_DELAY: '10' };
});
afterEach(async () => {
  for (const subgraph of [graph.accounts, graph.reviews]) {
    subgraph.answer = undefined;
    subgraph.headers = {};
    subgraph.requests.splice(0);
  }
  await Promise.all(open.splice(0).map((gateway) => gateway.stop()));
  await collector.close();
  for (const { name, attributes } of collector.spans) {
    seen.add(name);
    for (const attribute of Object.keys(attributes)) if (attribute.startsWith('weir.')) seen.add(attribute);
  }
  process.env = before;
});
afterAll(() => graph.close());

/** The names of spans, and of attributes that are Weir's own. */
const seen = new Set<string>();

type Traces = NonNullable<NonNullable<GatewayOptions['telemetry']>['traces']>;

async function start(traces: Traces = {}, options: GatewayOptions = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    telemetry: { traces: { otlp: { url: collector.url }, ...traces } },
    ...options,
  });
  open.push(gateway);
  return gateway;
}

/** The spans of requests, once there are as many as expected. */
async function servers(count: number): Promise<ReceivedSpan[]> {
  const find = () => collector.spans.filter(({ kind }) => kind === server);
  await eventually(() => find().length >= count);
  expect(find()).toHaveLength(count);
  // A request ends, and is exported, when its connection has taken the answer: perhaps after the next one.
  return find().sort((one, other) => Number(one.start - other.start));
}
const [server, client] = [2, 3];

/** A trace as nested names, in the order in which spans began. Fails where it is no tree, or a span ends before it begins. */
function treeOf(root: ReceivedSpan): object {
  const spans = collector.traceOf(root.traceId);
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(ids.size).toBe(spans.length);
  for (const span of spans) {
    if (span !== root) expect(ids).toContain(span.parentSpanId);
    expect(span.end).toBeGreaterThanOrEqual(span.start);
    expect(span.start).toBeGreaterThanOrEqual(root.start);
  }
  const below = ({ spanId }: ReceivedSpan): object =>
    Object.fromEntries(
      spans.filter((each) => each.parentSpanId === spanId).map((each) => [each.name, below(each)]),
    );
  return { [root.name]: below(root) };
}

/** The spans of a trace with this name. */
const all = (root: ReceivedSpan, name: string): readonly ReceivedSpan[] =>
  collector.traceOf(root.traceId).filter((span) => span.name === name);

const nested = 'query Named($id: ID!) { user(id: $id) { name reviews { rating author { name } } } }';
const traceId = 'a3ce929d0e0e4736a3ce929d0e0e4736';
const parent = (sampled: 0 | 1) => ({ traceparent: `00-${traceId}-00f067aa0ba902b7-0${sampled}` });

describe('the trace of a request', () => {
  it('has the tree of everything that was done for a nested query', async () => {
    const gateway = await start();
    const answer = await gateway.post({ query: nested, variables: { id: 'u1' } });
    expect(await answer.json()).toMatchObject({ data: { user: { name: 'Ada' } } });
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect(root.parentSpanId).toBeUndefined();
    await eventually(() => collector.traceOf(root.traceId).length >= 12);
    expect(treeOf(root)).toEqual({
      'POST /graphql': {
        'graphql.parse': {},
        'graphql.validate': {},
        'weir.cache.lookup': {},
        'graphql.plan': {},
        'graphql.execute': {
          'fetch accounts': { 'weir.cache.lookup': {}, 'POST /graphql': {} },
          'fetch reviews': { 'weir.cache.lookup': {}, 'POST /graphql': {} },
        },
      },
    });
    expect(root.attributes).toMatchObject({
      ...{ 'http.request.method': 'POST', 'http.route': '/graphql', 'http.response.status_code': 200 },
      ...{ 'graphql.operation.type': 'query', 'graphql.operation.name': 'Named' },
      ...{ 'weir.request.id': answer.headers.get('x-request-id'), 'weir.cache.result': 'PASS' },
    });
    expect(root.attributes['weir.calls.planned']).toBe(
      Number(root.attributes['weir.calls.sent']) + Number(root.attributes['weir.calls.saved']),
    );
    const [fetch] = all(root, 'fetch accounts') as [ReceivedSpan];
    expect(fetch.attributes).toMatchObject({ 'weir.subgraph.name': 'accounts' });
    const sent = collector.traceOf(root.traceId).find(({ parentSpanId }) => parentSpanId === fetch.spanId)!;
    expect(sent).toMatchObject({ kind: client, hasFailed: false });
    expect(sent.attributes).toEqual({
      ...{ 'http.request.method': 'POST', 'http.response.status_code': 200 },
      ...{ 'url.full': graph.accounts.url, 'server.address': '127.0.0.1' },
      ...{ 'server.port': Number(new URL(graph.accounts.url).port), 'graphql.operation.type': 'query' },
      ...{ 'weir.subgraph.name': 'accounts', 'weir.breaker.state': 'closed' },
    });
    expect(graph.accounts.requests[0]!.headers['traceparent']).toBe(`00-${root.traceId}-${sent.spanId}-01`);
    expect(collector.resource).toMatchObject({ 'service.name': 'weir' });
  });

  it('has neither parsing nor planning where the operation is known', async () => {
    const gateway = await start();
    await gateway.query('{ me { name } }');
    await gateway.query('{ me { name } }');
    const [, second] = (await servers(2)) as [ReceivedSpan, ReceivedSpan];
    await eventually(() => collector.traceOf(second.traceId).length >= 4);
    expect(treeOf(second)).toEqual({
      'POST /graphql': { 'graphql.execute': { 'fetch accounts': { 'POST /graphql': {} } } },
    });
  });

  it('continues the trace of a client that is sampled, without its state', async () => {
    const gateway = await start();
    const headers = { ...parent(1), tracestate: 'vendor=opaque' };
    await (await gateway.post({ query: '{ me { name } }' }, { headers })).text();
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect(root).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' });
    const sent = collector.traceOf(traceId).find(({ kind }) => kind === client)!;
    const { headers: got } = graph.accounts.requests[0]!;
    expect(got['traceparent']).toBe(`00-${traceId}-${sent.spanId}-01`);
    expect(got).not.toHaveProperty('tracestate');
  });

  it('says which call failed, was repeated, and left which field null', async () => {
    const gateway = await start();
    let attempts = 0;
    graph.reviews.answer = (_, response) => {
      attempts++;
      response.writeHead(503).end('down');
    };
    const { errors } = await gateway.query('{ me { name reviews { rating } } }');
    expect(errors).toHaveLength(1);
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect(attempts).toBe(2);
    const [fetch] = all(root, 'fetch reviews') as [ReceivedSpan];
    const sent = collector
      .traceOf(root.traceId)
      .filter(({ parentSpanId, kind }) => parentSpanId === fetch.spanId && kind === client);
    expect(sent.map(({ hasFailed, attributes }) => [hasFailed, attributes['error.type']])).toEqual([
      [true, '503'],
      [true, '503'],
    ]);
    expect(sent.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([undefined, 1]);
    expect(fetch.hasFailed).toBe(true);
    const [execution] = all(root, 'graphql.execute') as [ReceivedSpan];
    expect(execution.hasFailed).toBe(true);
    expect(execution.events).toEqual([
      {
        name: 'graphql.error',
        attributes: {
          ...{ 'graphql.path': 'me.reviews', 'weir.error.code': 'SUBREQUEST_HTTP_ERROR' },
          'weir.subgraph.name': 'reviews',
        },
      },
      {
        name: 'graphql.null',
        attributes: {
          ...{ 'graphql.path': 'me.reviews', 'weir.null.cause': 'call-failed' },
          ...{ 'weir.error.code': 'SUBREQUEST_HTTP_ERROR', 'weir.subgraph.name': 'reviews' },
        },
      },
    ]);
    expect(root.attributes).toMatchObject({
      ...{ 'http.response.status_code': 200, 'weir.error.codes': ['SUBREQUEST_HTTP_ERROR'] },
    });
  });

  it('says that a breaker is open, and that no call was sent', async () => {
    const gateway = await start({}, { breaker: { atLeast: 1, pause: '1m' }, retries: { max: 0 } });
    graph.accounts.answer = (request) => request.socket.destroy();
    for (let i = 0; i < 5; i++) await gateway.query('{ me { name } }');
    const last = (await servers(5)).at(-1)!;
    const [fetch] = all(last, 'fetch accounts') as [ReceivedSpan];
    expect(fetch).toMatchObject({ hasFailed: true, attributes: { 'error.type': 'broken' } });
    expect(collector.traceOf(last.traceId).some(({ kind }) => kind === client)).toBe(false);
  });

  it('says why a request was refused, without what it said', async () => {
    const gateway = await start();
    await (await gateway.post({ query: '{ secretField(with: "secret-literal") }' })).text();
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect(root.attributes).toMatchObject({
      ...{ 'http.response.status_code': 400, 'weir.error.codes': ['GRAPHQL_VALIDATION_FAILED'] },
    });
    expect(root.hasFailed).toBe(false);
    expect(all(root, 'graphql.validate')[0]).toMatchObject({
      ...{ hasFailed: true, attributes: { 'error.type': 'GRAPHQL_VALIDATION_FAILED' } },
    });
    await (await gateway.post({ query: '{' })).text();
    const [, unreadable] = (await servers(2)) as [ReceivedSpan, ReceivedSpan];
    expect(all(unreadable, 'graphql.parse')[0]!.attributes['error.type']).toBe('GRAPHQL_PARSE_FAILED');
  });

  it('ends, with all of its calls, when the client leaves', async () => {
    const gateway = await start();
    const leaving = new AbortController();
    graph.accounts.answer = () => leaving.abort();
    await gateway.post({ query: '{ me { name } }' }, { signal: leaving.signal }).catch(() => undefined);
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect(root.attributes).toMatchObject({ 'error.type': 'client_gone' });
    await eventually(() => collector.traceOf(root.traceId).some(({ kind }) => kind === client));
    await eventually(() => all(root, 'graphql.execute').length === 1);
    treeOf(root);
  });
});

describe('a shared call', () => {
  /** Requests that arrive together, from one identity, so that they may share. */
  const together = async (gateway: TestGateway, bodies: readonly object[]): Promise<void> => {
    await Promise.all(bodies.map(async (body) => (await gateway.post(body)).json()));
  };

  it('is one span with a link to each request of a batch, and each of these has one to it', async () => {
    const gateway = await start({}, { calls: { batchWindow: '1ms' } });
    const query = 'query Of($id: ID!) { user(id: $id) { reviews { rating } } }';
    await together(gateway, [{ query, variables: { id: 'u1' } }]);
    graph.reviews.requests.splice(0);
    // The first fetches are answered together, so the second ones are sent together.
    const waiting: (() => void)[] = [];
    graph.accounts.answer = (_, response) => {
      waiting.push(() => {
        response.setHeader('content-type', 'application/json');
        response.end(`{"data":{"user":{"__typename":"User","id":"u${waiting.length}"}}}`);
      });
      if (waiting.length === 24) for (const answer of waiting) answer();
    };
    const ids = Array.from({ length: 24 }, (_, i) => `u${i}`);
    await together(
      gateway,
      ids.map((id) => ({ query, variables: { id } })),
    );
    const roots = (await servers(25)).slice(1);
    const sent = collector.spans.filter(
      ({ kind, attributes }) => kind === client && attributes['weir.batched'] === true,
    );
    const fetches = roots.flatMap((root) => all(root, 'fetch reviews'));
    expect(fetches).toHaveLength(24);
    expect(sent.reduce((sum, { links }) => sum + links.length, 0)).toBe(
      fetches.filter(({ attributes }) => attributes['weir.batched'] === true).length,
    );
    const [largest] = sent.toSorted((a, b) => b.links.length - a.links.length) as [ReceivedSpan];
    expect(largest.links.length).toBe(24);
    expect(new Set(largest.links.map((link) => link.traceId))).toEqual(
      new Set(roots.map((root) => root.traceId)),
    );
    for (const fetch of fetches) {
      expect(fetch.attributes).toMatchObject({ 'weir.batched': true, 'weir.shared_with': 23 });
      expect(fetch.attributes['weir.waited_ms']).toBeGreaterThanOrEqual(0);
      expect(fetch.links).toEqual([{ traceId: largest.traceId, spanId: largest.spanId }]);
    }
    expect(graph.reviews.requests).toHaveLength(1);
  });

  it('is in the trace of each request that needed the same', async () => {
    const gateway = await start({}, { calls: { coalesce: false } });
    await gateway.query('{ me { name } }');
    graph.accounts.answer = (_, response) => {
      setTimeout(() => {
        response.setHeader('content-type', 'application/json');
        response.end('{"data":{"me":{"name":"Ada"}}}');
      }, 50);
    };
    await together(gateway, [{ query: '{ me { name } }' }, { query: '{ me { name } }' }]);
    const roots = (await servers(3)).slice(1);
    for (const root of roots) {
      const [fetch] = all(root, 'fetch accounts') as [ReceivedSpan];
      expect(fetch.attributes).toMatchObject({ 'weir.batched': false, 'weir.shared_with': 1 });
    }
    expect(roots.map(({ attributes }) => attributes['weir.calls.saved']).sort()).toEqual([0, 1]);
  });
});

describe('the spans of a cache', () => {
  it('say that the answer is shared, and later how old it is', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=60' };
    const gateway = await start();
    let called!: (response: ServerResponse) => void;
    const call = new Promise<ServerResponse>((resolve) => (called = resolve));
    graph.accounts.answer = (_, response) => called(response);
    await gateway.query('{ __typename }');
    const query = '{ me { name } }';
    const first = gateway.query(query);
    const response = await call;
    const second = gateway.query(query);
    await eventually(async () => (await gateway.inFlight()) === 2);
    // What is in flight has its body soon.
    await new Promise((later) => setTimeout(later, 50));
    response.setHeader('content-type', 'application/json').setHeader('cache-control', 'public, max-age=60');
    response.end('{"data":{"me":{"name":"Ada"}}}');
    await Promise.all([first, second]);
    await gateway.query(query);
    const roots = (await servers(4)).slice(1);
    const results = roots.map(({ attributes }) => attributes['weir.cache.result']);
    expect(results.sort()).toEqual(['HIT', 'MISS', 'MISS']);
    const hit = roots.find(({ attributes }) => attributes['weir.cache.result'] === 'HIT')!;
    // In seconds, of which a busy machine may take some.
    expect(hit.attributes['weir.cache.age']).toBeLessThan(60);
    const waits = roots.flatMap((root) => all(root, 'weir.shared_execution'));
    expect(waits).toHaveLength(1);
    expect(waits[0]!.attributes).toMatchObject({ 'weir.shared_with': 1 });
    const leader = roots.find((root) => all(root, 'graphql.execute').length === 1)!;
    expect(waits[0]!.links).toEqual([{ traceId: leader.traceId, spanId: leader.spanId }]);
    expect(leader.attributes['weir.shared_with']).toBe(1);
  });

  it('say how many entities were there', async () => {
    const gateway = await start({}, { cache: { responses: { enabled: false } } });
    graph.reviews.headers = { 'cache-control': 'public, max-age=60' };
    const query = '{ me { reviews { rating } } }';
    for (let i = 0; i < 2; i++) await gateway.query(query);
    const [, second] = (await servers(2)) as [ReceivedSpan, ReceivedSpan];
    const [fetch] = all(second, 'fetch reviews') as [ReceivedSpan];
    const lookups = all(second, 'weir.cache.lookup').filter((each) => each.parentSpanId === fetch.spanId);
    expect(lookups.map(({ attributes }) => attributes)).toEqual([
      {
        ...{ 'weir.cache.kind': 'entity', 'weir.cache.result': 'hit', 'weir.cache.tier': 'store' },
        ...{ 'weir.cache.hits': 1, 'weir.cache.stale': 0, 'weir.cache.misses': 0, 'weir.cache.age': 0 },
      },
    ]);
    expect(second.attributes).toMatchObject({ 'weir.calls.saved': 1, 'weir.calls.sent': 1 });
  });
});

it('has the wait for the keys of an issuer', async () => {
  const issuer = await startTokenIssuer();
  const gateway = await start(
    {},
    { auth: { oidc: [{ issuer: issuer.url, jwks: `${issuer.url}/keys`, audience: 'shop' }] } },
  );
  const headers = { authorization: `Bearer ${await issuer.token()}` };
  const answer = await gateway.post({ query: '{ me { name } }' }, { headers });
  expect(await answer.json()).toHaveProperty('data.me');
  const [root] = (await servers(1)) as [ReceivedSpan];
  expect(all(root, 'weir.authenticate')).toMatchObject([{ parentSpanId: root.spanId, hasFailed: false }]);
  await issuer.close();
});

it('has the wait for the decision of a policy', async () => {
  const secrets = await startSubgraph({
    name: 'secrets',
    typeDefs: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@policy"])
      type Query { secret: String @policy(policies: [["staff"]]) }`,
    resolvers: { Query: { secret: () => 'told' } },
  });
  const folder = await mkdtemp(join(tmpdir(), 'weir-test-'));
  const module = join(folder, 'policies.cjs');
  writeFileSync(module, 'module.exports = async () => ({ staff: true });');
  const supergraph = sourceOf(compose([secrets]));
  const gateway = await start({}, { supergraph, authorization: { policies: { module } } });
  expect(await gateway.query('{ secret }')).toEqual({ data: { secret: 'told' } });
  const [root] = (await servers(1)) as [ReceivedSpan];
  expect(all(root, 'weir.authorize')).toMatchObject([{ parentSpanId: root.spanId, hasFailed: false }]);
  await Promise.all([secrets.close(), rm(folder, { recursive: true })]);
});

it('answers each event of a subscription in a trace of its own, with a link to its request', async () => {
  const events = await startSubgraph({
    name: 'events',
    typeDefs: 'type Query { a: Int }  type Subscription { count: Int }',
    resolvers: {},
  });
  events.answer = (_, response) => {
    response.setHeader('content-type', 'text/event-stream');
    for (const count of [1, 2]) response.write(`event: next\ndata: {"data":{"count":${count}}}\n\n`);
    response.end('event: complete\ndata:\n\n');
  };
  const gateway = await start(
    {},
    {
      supergraph: sourceOf(compose([events])),
      subgraphs: { events: { subscriptions: { protocol: 'sse' } } },
    },
  );
  const headers = { accept: 'text/event-stream', ...parent(1) };
  const answer = await gateway.post({ query: 'subscription Counts { count }' }, { headers });
  expect(await answer.text()).toContain('"count":2');
  const [root] = (await servers(1)) as [ReceivedSpan];
  const find = () => collector.spans.filter(({ name }) => name === 'subscription event');
  await eventually(() => find().length === 2);
  for (const event of find()) {
    expect(event.traceId).not.toBe(traceId);
    expect(event).toMatchObject({ parentSpanId: undefined, hasFailed: false });
    expect(event.links).toEqual([{ traceId, spanId: root.spanId }]);
    expect(treeOf(event)).toEqual({ 'subscription event': { 'graphql.execute': {} } });
  }
  expect(root.attributes).toMatchObject({ 'graphql.operation.type': 'subscription' });
  await events.close();
});

it('has one execution for an answer in parts, until all of its fetches have ended', async () => {
  const gateway = await start();
  const query = '{ me { name ... @defer { reviews { rating } } } }';
  const headers = { accept: 'multipart/mixed; deferSpec=20220824' };
  expect(await (await gateway.post({ query }, { headers })).text()).toContain('rating');
  const [root] = (await servers(1)) as [ReceivedSpan];
  await eventually(() => all(root, 'graphql.execute').length === 1);
  const [execution] = all(root, 'graphql.execute') as [ReceivedSpan];
  const fetches = collector.traceOf(root.traceId).filter(({ name }) => name.startsWith('fetch '));
  expect(fetches.map(({ parentSpanId }) => parentSpanId)).toEqual([execution.spanId, execution.spanId]);
  for (const { end } of fetches) expect(execution.end).toBeGreaterThanOrEqual(end);
});

describe('with AWS X-Ray', () => {
  const xRay = (fields: string) => ({
    'x-amzn-trace-id': `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)}${fields}`,
  });

  it('continues the trace of its header, and hands both headers on', async () => {
    const gateway = await start({ xRay: true });
    const headers = xRay(';Parent=463ac35c9f6413ad;Sampled=1');
    await (await gateway.post({ query: '{ me { name } }' }, { headers })).text();
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect(root).toMatchObject({ traceId, parentSpanId: '463ac35c9f6413ad' });
    const sent = collector.traceOf(traceId).find(({ kind }) => kind === client)!;
    expect(graph.accounts.requests[0]!.headers).toMatchObject({
      traceparent: `00-${traceId}-${sent.spanId}-01`,
      ...xRay(`;Parent=${sent.spanId};Sampled=1`),
    });
  });

  it('leaves the decision of its header alone, and prefers traceparent', async () => {
    const gateway = await start({ xRay: true });
    const unsampled = xRay(';Parent=463ac35c9f6413ad;Sampled=0');
    await (await gateway.post({ query: '{ me { name } }' }, { headers: unsampled })).text();
    expect(graph.accounts.requests[0]!.headers).toMatchObject(unsampled);
    const other = { traceparent: '00-b3ce929d0e0e4736a3ce929d0e0e4736-00f067aa0ba902b7-01' };
    await (await gateway.post({ query: '{ me { name } }' }, { headers: { ...unsampled, ...other } })).text();
    expect((await servers(1))[0]!.traceId).toBe(other.traceparent.slice(3, 35));
  });
});

describe("with Datadog's headers", () => {
  const sent = {
    'x-datadog-trace-id': '81985529216486895',
    'x-datadog-parent-id': '5060571933882717101',
    'x-datadog-sampling-priority': '2',
    'x-datadog-tags': '_dd.p.usr=ann,_dd.p.tid=67891233000000ab',
  };
  const datadogTrace = '67891233000000ab0123456789abcdef';
  const answers = async (gateway: TestGateway): Promise<void> =>
    void (await (await gateway.post({ query: '{ me { name } }' }, { headers: sent })).text());

  it('continues their trace, and hands them on with the span of the call, without other tags', async () => {
    await answers(await start({ datadog: true }));
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect(root).toMatchObject({ traceId: datadogTrace, parentSpanId: '463ac35c9f6413ad' });
    const call = collector.traceOf(datadogTrace).find(({ kind }) => kind === client)!;
    expect(graph.accounts.requests[0]!.headers).toMatchObject({
      traceparent: `00-${datadogTrace}-${call.spanId}-01`,
      'x-datadog-trace-id': sent['x-datadog-trace-id'],
      'x-datadog-parent-id': String(BigInt(`0x${call.spanId}`)),
      'x-datadog-sampling-priority': '1',
      'x-datadog-tags': '_dd.p.tid=67891233000000ab',
    });
  });

  it('hands on the span of the client where nothing is exported, and logs its trace', async () => {
    const gateway = await start({ datadog: true, otlp: {} });
    await answers(gateway);
    expect(graph.accounts.requests[0]!.headers).toMatchObject({
      ...sent,
      traceparent: `00-${datadogTrace}-463ac35c9f6413ad-01`,
      'x-datadog-sampling-priority': '1',
      'x-datadog-tags': '_dd.p.tid=67891233000000ab',
    });
    await eventually(() =>
      gateway.log.some(({ msg, traceId: id }) => msg === 'request' && id === datadogTrace),
    );
  });

  it('hands on none as the client has sent it, though a pattern would forward it', async () => {
    const headers = { forward: ['x-*'] };
    const gateway = await start({ datadog: true, xRay: true }, { headers });
    const broken = { ...sent, 'x-datadog-trace-id': '-1', 'x-amzn-trace-id': 'Root=sent', 'x-other': 'o' };
    await (await gateway.post({ query: '{ me { name } }' }, { headers: broken })).text();
    const got = graph.accounts.requests[0]!.headers;
    expect(got).toMatchObject({ 'x-other': 'o', 'x-datadog-sampling-priority': '1' });
    const traceId = String(got['traceparent']).split('-')[1]!;
    expect(got['x-datadog-trace-id']).toBe(String(BigInt(`0x${traceId.slice(16)}`)));
    expect(got['x-datadog-tags']).toBe(`_dd.p.tid=${traceId.slice(0, 16)}`);
    expect(got['x-amzn-trace-id']).toMatch(/^Root=1-/);
  });

  it('hands on nothing of them without the option', async () => {
    await answers(await start({ otlp: {} }));
    const { headers } = graph.accounts.requests[0]!;
    expect(Object.keys(headers).filter((name) => /^(x-datadog|traceparent)/.test(name))).toEqual([]);
  });
});

describe('over gRPC', () => {
  it.each(['the options', 'the environment'])('spans go to the collector that %s name', async (who) => {
    const receiver = await startGrpcReceiver();
    const isInOptions = who === 'the options';
    if (!isInOptions) {
      process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'grpc';
      process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url;
      process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'x-api-key=k';
    }
    const gateway = await start({
      otlp: isInOptions ? { url: receiver.url, protocol: 'grpc', headers: { 'x-api-key': 'k' } } : {},
    });
    await gateway.query('{ me { name } }');
    await gateway.stop();
    await receiver.close();
    expect(receiver.requests[0]!.headers).toMatchObject({ 'x-api-key': 'k' });
    const spans = receiver.requests.flatMap(({ message }) => readTraces(message).spans);
    expect(spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['POST /graphql', 'fetch accounts']),
    );
  });

  it('a collector that refuses spans, or holds its answer, costs requests nothing, and makes no stop wait', async () => {
    const receiver = await startGrpcReceiver();
    receiver.answers.push(3, () => undefined);
    const gateway = await start({ otlp: { url: receiver.url, protocol: 'grpc' } });
    const answer = { data: { me: { name: 'Ada' } } };
    expect(await gateway.query('{ me { name } }')).toEqual(answer);
    await eventually(() =>
      gateway.log.some(
        ({ msg, err }) => msg === 'spans could not be sent to the collector' && /status 3/.test(err.message),
      ),
    );
    expect(await gateway.query('{ me { name } }')).toEqual(answer);
    const began = performance.now();
    await gateway.stop();
    expect(performance.now() - began).toBeLessThan(within(4_000));
    await receiver.close();
  });
});

describe('an exemplar of a metric', () => {
  /** By metric, as Prometheus asks for them. */
  async function exemplars(
    gateway: TestGateway,
  ): Promise<Record<string, Readonly<Record<string, string>>[]>> {
    const headers = { accept: 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5' };
    const answer = await fetch(`${gateway.adminUrl}/metrics`, { headers });
    expect(answer.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    const found = readOpenMetrics(await answer.text()).map(
      ({ name, samples }) =>
        [name, samples.flatMap(({ exemplar }) => (exemplar === undefined ? [] : [exemplar.labels]))] as const,
    );
    return Object.fromEntries(found.filter(([, labels]) => labels.length > 0));
  }

  it('names the spans of a request and its calls that the collector has', async () => {
    const gateway = await start();
    await gateway.query('query Named { me { name } }');
    const [root] = (await servers(1)) as [ReceivedSpan];
    const sent = collector.traceOf(root.traceId).find(({ kind }) => kind === client)!;
    const of = ({ spanId }: ReceivedSpan) => [{ trace_id: root.traceId, span_id: spanId }];
    expect(await exemplars(gateway)).toEqual({
      http_server_request_duration_seconds: of(root),
      weir_graphql_operation_duration_seconds: of(root),
      http_client_request_duration_seconds: of(sent),
    });
  });

  it('is there of requests that are kept, and of none that is not exported', async () => {
    const gateway = await start({ sampling: 0, keep: { failed: true } });
    await gateway.query('{ me { name } }');
    expect(await exemplars(gateway)).toEqual({});
    graph.accounts.answer = (_, response) => response.writeHead(500).end();
    await gateway.query('{ me { name } }');
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect((await exemplars(gateway))['http_server_request_duration_seconds']).toEqual([
      { trace_id: root.traceId, span_id: root.spanId },
    ]);
  });
});

it('has its ids in the line of the request', async () => {
  const gateway = await start();
  await gateway.query('{ me { name } }');
  const [root] = (await servers(1)) as [ReceivedSpan];
  const line = gateway.log.find(({ msg }) => msg === 'request');
  expect(line).toMatchObject({ traceId: root.traceId, spanId: root.spanId });
});

it('has its ids in each line about the request, each with the span that the line is about', async () => {
  const gateway = await start({}, { logging: { level: 'debug' } });
  graph.reviews.answer = (_, response) => {
    response.writeHead(503).end('down');
  };
  const answer = await gateway.post({ query: '{ me { name reviews { rating } } }' });
  const { errors } = (await answer.json()) as { errors: unknown[] };
  expect(errors).toHaveLength(1);
  const [root] = (await servers(1)) as [ReceivedSpan];
  const requestId = answer.headers.get('x-request-id');
  const said = ['an operation was planned', 'a call of a subgraph is repeated', 'request'];
  await eventually(() => said.every((one) => gateway.log.some(({ msg }) => msg === one)));
  const lines = gateway.log.filter((line) => line.requestId === requestId);
  expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(said));
  expect(lines.map(({ level }) => level)).toContain('warn');
  expect(lines.map(({ traceId: id }) => id)).toEqual(lines.map(() => root.traceId));
  const spans = new Map(collector.traceOf(root.traceId).map(({ spanId, name }) => [spanId, name]));
  expect(lines.map(({ spanId }) => spans.get(spanId)).filter((name) => name === undefined)).toEqual([]);
  const repeated = lines.find(({ msg }) => msg === 'a call of a subgraph is repeated');
  expect(spans.get(repeated!.spanId)).toBe('fetch reviews');
});

describe('a collector', () => {
  it('gets the headers of the options, and is named by the environment', async () => {
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = new URL('/', collector.url).href;
    process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'x-vendor=from-environment';
    process.env['OTEL_SERVICE_NAME'] = 'shop';
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'deployment.environment.name=test,team=a%20b';
    const gateway = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl) });
    open.push(gateway);
    await gateway.query('{ me { name } }');
    await servers(1);
    expect(collector.requests[0]!.headers).toMatchObject({ 'x-vendor': 'from-environment' });
    expect(collector.resource).toMatchObject({
      ...{ 'service.name': 'shop', 'deployment.environment.name': 'test', team: 'a b' },
    });
  });

  it.each([
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_TRACES_EXPORTER', 'none'],
    ['OTEL_TRACES_SAMPLER', 'always_off'],
  ])('gets nothing with %s=%s', async (name, value) => {
    process.env[name] = value;
    const gateway = await start();
    await gateway.query('{ me { name } }');
    await gateway.stop();
    expect(collector.requests).toEqual([]);
  });

  it.each([
    ['OTEL_TRACES_SAMPLER', 'sometimes', 'must be one of always_on, always_off, traceidratio'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json', 'must be one of http/protobuf, grpc'],
    ['OTEL_TRACES_EXPORTER', 'zipkin', 'must be one of otlp, none'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '0', 'must be a whole number, at least 1'],
    ['OTEL_BSP_SCHEDULE_DELAY', '5s', 'must be a whole number, at least 0'],
  ])('refuses %s=%s', async (name, value, says) => {
    process.env[name] = value;
    await expect(start()).rejects.toThrow(`The environment variable ${name} ${says}`);
  });

  it.each<[string, OtlpReceiver['answer']]>([
    ['answers 500', (response) => response.writeHead(500).end()],
    ['closes the connection', (response) => response.destroy()],
    ['never answers', () => undefined],
  ])('that %s costs requests nothing, and the spans are counted', async (_, answer) => {
    Object.assign(process.env, { OTEL_BSP_MAX_QUEUE_SIZE: '20', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' });
    process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = '100';
    const gateway = await start();
    collector.answer = answer;
    for (let i = 0; i < 30; i++) expect(await gateway.query('{ me { name } }')).toHaveProperty('data.me');
    const lost = async (): Promise<number> =>
      sampleSum(
        (await gateway.metrics()).replace(/^.*result="exported".*$/gm, ''),
        'weir_traces_spans_total',
      );
    const lines = () => gateway.log.filter(({ msg }) => msg === 'spans could not be sent to the collector');
    // Spans that the queue has no room for are counted before the first export has failed.
    await eventually(async () => (await lost()) > 20 && lines().length > 0);
    expect(lines()).toHaveLength(1);
  });

  it('that holds its answer makes no request wait, and no stop', async () => {
    const mostSpans = 20;
    Object.assign(process.env, {
      OTEL_BSP_MAX_QUEUE_SIZE: `${mostSpans}`,
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
    });
    process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = '60000';
    const gateway = await start();
    const held: ServerResponse[] = [];
    collector.answer = (response) => held.push(response);
    await gateway.query('{ me { name } }');
    await gateway.query('{ me { name } }');
    await eventually(() => held.length > 0);
    for (let i = 0; i < 30; i++) expect(await gateway.query('{ me { name } }')).toHaveProperty('data.me');
    const dropped = (await gateway.metrics()).match(/weir_traces_spans_total\{result="dropped"\} (\d+)/)?.[1];
    expect(Number(dropped)).toBeGreaterThan(60);
    await gateway.stop();
    expect(held.map(({ writableEnded }) => writableEnded)).toEqual([false]);
    // Without answers, the exporter repeats its requests for a minute, and the process of the test does not end.
    collector.answer = undefined;
    for (const response of held) response.end();
    await eventually(
      () => collector.requests.flatMap(({ body }) => readTraces(body).spans).length === mostSpans,
    );
  });
});

describe('requests that were not sampled', () => {
  it('are exported with the spans of the gateway if they failed', async () => {
    const gateway = await start({ sampling: 0, keep: { failed: true } });
    await gateway.query('{ me { name } }');
    await (await gateway.post('{')).text();
    graph.accounts.answer = (_, response) => response.writeHead(500).end();
    await gateway.query('{ me { name } }');
    const [root] = (await servers(1)) as [ReceivedSpan];
    expect(root.attributes).toMatchObject({ 'weir.error.codes': ['SUBREQUEST_HTTP_ERROR'] });
    await eventually(() => collector.traceOf(root.traceId).length === 4);
    treeOf(root);
    for (const { headers } of graph.accounts.requests)
      expect(headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it('are exported if they were slow', async () => {
    const gateway = await start({ keep: { slowerThan: '100ms' } });
    await (await gateway.post({ query: '{ me { name } }' }, { headers: parent(0) })).text();
    graph.accounts.answer = (_, response) => void setTimeout(() => response.writeHead(500).end(), 120);
    await (await gateway.post({ query: '{ me { name } }' }, { headers: parent(0) })).text();
    await servers(1);
  });
});

it('exports nothing of what clients and subgraphs say', async () => {
  const secrets = {
    literal: 'planted-literal',
    variable: 'planted-variable',
    header: 'planted-header',
    token: 'planted-token',
    message: 'planted-message',
    answer: 'planted-answer',
    url: 'planted-url',
  };
  const gateway = await start(
    { keep: { failed: true } },
    { headers: { forward: ['authorization', 'x-tenant'] }, errors: { maskSubgraphs: 'none' } },
  );
  graph.accounts.answer = (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        data: { user: { name: secrets.answer } },
        errors: [{ message: secrets.message, path: ['user', 'name'] }],
      }),
    );
  };
  const headers = { authorization: `Bearer ${secrets.token}`, 'x-tenant': secrets.header };
  const named = { 'apollographql-client-name': secrets.header, 'user-agent': secrets.header };
  await fetch(`${gateway.url}?${secrets.url}=${secrets.url}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers, ...named, cookie: secrets.token },
    body: JSON.stringify({
      query: `query Q($id: ID!) { user(id: $id) { name } other: user(id: "${secrets.literal}") { name } }`,
      variables: { id: secrets.variable },
    }),
  });
  await (await gateway.post({ query: `{ nope(of: "${secrets.literal}") }` }, { headers })).text();
  await servers(2);
  await gateway.stop();
  const bytes = Buffer.concat(collector.requests.map(({ body }) => body)).toString('latin1');
  expect(bytes).toContain('graphql.execute');
  for (const secret of Object.values(secrets)) expect(bytes).not.toContain(secret);
});

describe('docs/tracing.md', () => {
  it('has an example that exports spans', async () => {
    const [example] = examplesOf('docs/tracing.md').filter(({ file }) => file === 'weir.yaml');
    const folder = await mkdtemp(join(tmpdir(), 'weir-test-'));
    const config = join(folder, 'weir.yaml');
    writeFileSync(config, example!.text.replace('http://collector:4318/v1/traces', collector.url));
    const { telemetry } = loadOptions({ config, env: {} });
    await rm(folder, { recursive: true });
    const gateway = await start({}, { telemetry });
    await (await gateway.post({ query: '{ me { name } }' }, { headers: parent(1) })).text();
    await servers(1);
    expect(collector.resource).toMatchObject({ 'service.name': 'shop-gateway' });
  });

  it('names every span, and every attribute that is not of the semantic conventions', () => {
    const page = readPage('docs/tracing.md');
    const names = [...seen].map((name) => name.replace(/^fetch .*/, 'fetch NAME'));
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
