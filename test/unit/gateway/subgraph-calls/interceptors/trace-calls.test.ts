import { DataChanges } from '../../../../../gateway/cache/data-changes';
import { dedupe } from '../../../../../gateway/subgraph-calls/interceptors/dedupe';
import { traceFetches, traceSends } from '../../../../../gateway/subgraph-calls/interceptors/trace-calls';
import { PendingCalls } from '../../../../../gateway/subgraph-calls/sharing/pending-calls';
import { type Send, TransportError } from '../../../../../gateway/subgraph-calls/contract/transport';
import type { Span } from '../../../../../gateway/telemetry/traces/span';
import { Trace, UndecidedSpans } from '../../../../../gateway/telemetry/traces/trace';
import { callerOf } from '../../../../support/caller';
import { type HeldCall, holdCalls } from '../../../../support/held-send';
import { requestOf } from '../../../../support/subgraph-request';

let calls: HeldCall[];
let send: Send;
/** The spans that are exported. */
let exported: Span[];
beforeEach(() => {
  const held = holdCalls();
  calls = held.calls;
  exported = [];
  const sends = traceSends(held.send, {
    ...{ subgraph: 'reviews', url: 'http://127.0.0.1:4001/graphql?key=secret', breaker: { isOpen: false } },
  });
  send = traceFetches('reviews')(
    dedupe({ timeout: 1000, pending: new PendingCalls(), changes: new DataChanges() })(sends),
  );
});

let ids = 0;
/** The span of a request, in a trace of its own. */
const root = (isSampled: boolean): Span =>
  new Trace(
    {
      ...{ newSpanId: () => String(++ids).padStart(16, '0'), undecided: new UndecidedSpans(100) },
      ...{ take: (span) => exported.push(span), drop: () => undefined },
      writeHeaders: ({ id }, spanId) => ({ traceparent: `${id}-${spanId}` }),
    },
    { id: String(++ids).padStart(32, '0'), isSampled },
  ).begin('POST /graphql', 'server', performance.now(), undefined);

const fetchFor = (span: Span | undefined) => send(requestOf('{a}', {}, callerOf({ span })));
const named = (name: string) => exported.filter((span) => span.name === name);

it('records a call in the trace of its request, without the query of its URL', async () => {
  const span = root(true);
  const answer = fetchFor(span);
  calls[0]!.answer({ data: 1 });
  await answer;
  const [call, fetch] = exported as [Span, Span];
  expect([call.parent, fetch.parent]).toEqual([fetch, span]);
  expect(call.attributes).toEqual({
    ...{ 'http.request.method': 'POST', 'http.response.status_code': 200 },
    ...{ 'url.full': 'http://127.0.0.1:4001/graphql', 'server.address': '127.0.0.1', 'server.port': 4001 },
    ...{ 'weir.subgraph.name': 'reviews', 'weir.breaker.state': 'closed', 'graphql.operation.type': 'query' },
  });
  expect(fetch.attributes).toEqual({
    ...{ 'weir.subgraph.name': 'reviews', 'graphql.operation.type': 'query' },
    'weir.waited_ms': expect.any(Number),
  });
  expect([call.links, fetch.links]).toEqual([[], []]);
  expect(calls[0]!.request.caller.tracing['traceparent']).toBe(`${span.trace.id}-${call.id}`);
});

it.each([
  ['is not traced', () => undefined],
  ['is not sampled', () => root(false)],
])('records a call whose first request %s for those that join it', async (_, first) => {
  const spans = [first(), root(true), root(false), root(true)];
  const answers = spans.map(fetchFor);
  expect(calls).toHaveLength(1);
  calls[0]!.answer({ data: 1 });
  await Promise.all(answers);
  const fetches = named('fetch reviews');
  expect(fetches.map(({ parent }) => parent)).toEqual([spans[1], spans[3]]);
  const [call, ...others] = named('POST /graphql');
  expect(others).toEqual([]);
  expect(call!.parent).toBe(fetches[0]);
  expect(call!.attributes).toMatchObject({ 'http.response.status_code': 200, 'weir.shared_with': 3 });
  for (const fetch of fetches) {
    expect(fetch.attributes).toMatchObject({ 'weir.shared_with': 3, 'weir.batched': false });
    expect(fetch.links.map(({ spanId }) => spanId)).toContain(call!.id);
    expect(call!.links.map(({ spanId }) => spanId)).toContain(fetch.id);
  }
  expect(call!.start).toBeLessThanOrEqual(fetches[1]!.start);
});

it('says why such a call failed', async () => {
  const answers = [undefined, root(true)].map(fetchFor);
  calls[0]!.fail(new TransportError('reviews', 'reset'));
  await Promise.allSettled(answers);
  expect(named('POST /graphql')[0]).toMatchObject({ hasFailed: true, attributes: { 'error.type': 'reset' } });
});

it('names calls of a REST source by method and route, and counts a call as sent again only if it is the same', async () => {
  const held = holdCalls();
  const sends = traceSends(held.send, {
    ...{ subgraph: 'pets', url: 'http://127.0.0.1:4001/v1/', breaker: undefined },
  });
  const fetch = root(true).child('fetch pets');
  const request = (id: number) => ({
    ...requestOf('{a}', {}, callerOf({ span: fetch })),
    http: { method: 'GET', path: `/pets/${id}?key=secret`, route: '/pets/{id}', headers: {} },
  });
  const [first, second] = [request(1), request(2)];
  const answers = [first, second, second].map(sends);
  for (const call of held.calls) call.answer({});
  await Promise.all(answers);
  const spans = named('GET /v1/pets/{id}');
  expect(spans.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([
    ...[undefined, undefined, 1],
  ]);
  expect(spans[0]!.attributes).toMatchObject({
    ...{
      'http.request.method': 'GET',
      'url.template': '/pets/{id}',
      'url.full': 'http://127.0.0.1:4001/v1/',
    },
  });
  expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toContain('secret');
});

it.each([
  ['GET', 404, false],
  ['GET', 410, false],
  ['GET', 403, true],
  ['DELETE', 404, true],
])('a %s that is answered with %i has failed: %s', async (method, status, hasFailed) => {
  const held = holdCalls();
  const sends = traceSends(held.send, {
    ...{ subgraph: 'pets', url: 'http://127.0.0.1:4001/', breaker: undefined },
  });
  const answer = sends({
    ...requestOf('{a}', {}, callerOf({ span: root(true).child('fetch pets') })),
    http: { method, path: '/pets/1', route: '/pets/{id}', headers: {} },
  });
  held.calls[0]!.answer({}, { status });
  await answer;
  expect(named(`${method} /pets/{id}`)[0]).toMatchObject({
    ...{ hasFailed, attributes: { 'http.response.status_code': status } },
  });
});

it('records nothing where nobody who is traced joins', async () => {
  const answers = [undefined, undefined].map(fetchFor);
  const [alone] = calls;
  alone!.answer({ data: 1 });
  await Promise.all(answers);
  expect(exported).toEqual([]);
});
