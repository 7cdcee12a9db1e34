/** A gateway before subgraphs. Over 300 lines: joining, headers, failures, log and counts. */
import type { ServerResponse } from 'node:http';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    headers: {
      forward: ['Authorization', 'x-tenant'],
      rename: { 'x-old': 'x-new' },
      set: { 'x-gateway': 'weir' },
    },
    subgraphs: { reviews: { timeout: 300 } },
  });
});

beforeEach(() => {
  graph.accounts.requests.length = 0;
  graph.reviews.requests.length = 0;
  graph.reviews.answer = undefined;
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

const spanning = '{ user(id: "u1") { name reviews { rating author { name } } } }';

/** The line of a request in the access log. */
async function lineOf(id: string | null): Promise<Json> {
  const find = () => gateway.log.find(({ requestId, status }) => requestId === id && status !== undefined);
  await eventually(() => find() !== undefined);
  return find()!;
}

describe('towards subgraphs', () => {
  it('sends a request id of its own, and the ids of the trace of the client', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await gateway.post(
      { query: '{ me { name } }' },
      {
        headers: {
          'x-request-id': 'my-request.1',
          traceparent,
          tracestate: 'vendor=value',
        },
      },
    );
    const { headers } = graph.accounts.requests[0]!;
    const requestId = response.headers.get('x-request-id');
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers).toMatchObject({ 'x-request-id': requestId, traceparent });
    expect(headers).not.toHaveProperty('tracestate');
    expect((await lineOf(requestId))['clientRequestId']).toBe('my-request.1');
    expect(response.headers.has('traceresponse')).toBe(false);
  });
});

describe('when a subgraph fails', () => {
  const failures = [
    [
      'cannot be reached',
      (_: unknown, response: ServerResponse) => response.destroy(),
      'SUBREQUEST_HTTP_ERROR',
      'Subgraph "reviews" closed the connection before it had answered.',
    ],
    [
      'answers 500',
      (_: unknown, response: ServerResponse) => response.writeHead(500).end('at /srv/app.js:1'),
      'SUBREQUEST_HTTP_ERROR',
      'Subgraph "reviews" answered with HTTP status 500.',
    ],
    [
      'redirects',
      (_: unknown, response: ServerResponse) =>
        response.writeHead(302, { location: graph.accounts.url }).end(),
      'SUBREQUEST_HTTP_ERROR',
      'Subgraph "reviews" answered with HTTP status 302.',
    ],
    [
      'answers HTML',
      (_: unknown, response: ServerResponse) => response.end('<html>'),
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "reviews" answered with something else than a GraphQL response: it is not JSON at byte 0.',
    ],
    ['does not answer', () => undefined, 'GATEWAY_TIMEOUT', 'Subgraph "reviews" did not answer in time.'],
  ] as const;

  it.each(failures)(
    'keeps the data of the others and names the subgraph when it %s',
    async (_, answer, code, message) => {
      graph.reviews.answer = answer;
      const response = await gateway.post({ query: spanning });
      expect(response.status).toBe(200);
      const text = await response.text();
      expect(JSON.parse(text)).toMatchObject({
        data: { user: { name: 'Ada', reviews: null } },
        errors: [{ message, extensions: { code, service: 'reviews' } }],
      });
      const { port } = new URL(graph.reviews.url);
      for (const secret of ['127.0.0.1', port, '/srv', 'ECONN', 'stack']) expect(text).not.toContain(secret);
    },
  );

  it('does not touch it for an operation that needs only others', async () => {
    graph.reviews.answer = (_, response) => response.destroy();
    expect(await gateway.query('{ user(id: "u1") { name } }')).toEqual({ data: { user: { name: 'Ada' } } });
  });

  it('logs that it answered with a status from 500 on, which clients are told, too', async () => {
    graph.reviews.answer = (_, response) => response.writeHead(500).end();
    const response = await gateway.post({ query: '{ latestReviews { rating } }' });
    await response.text();
    expect(gateway.log).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        subgraph: 'reviews',
        requestId: response.headers.get('x-request-id'),
        msg: 'Subgraph "reviews" answered with HTTP status 500.',
      }),
    );
  });

  it('counts and logs the failure with its cause', async () => {
    graph.reviews.answer = (_, response) => response.destroy();
    const response = await gateway.post({ query: spanning });
    const requestId = response.headers.get('x-request-id');
    expect(gateway.log).toContainEqual(
      expect.objectContaining({ level: 'warn', subgraph: 'reviews', requestId, err: expect.anything() }),
    );
    const port = new URL(graph.reviews.url).port;
    const metrics = await gateway.metrics();
    expect(metrics).toContain(
      `http_client_request_duration_seconds_count{subgraph="reviews",http_request_method="POST",server_address="127.0.0.1",server_port="${port}",error_type="reset"}`,
    );
    expect(metrics).toMatch(
      /^weir_graphql_errors_total\{code="SUBREQUEST_HTTP_ERROR",service="reviews"\} [1-9]/m,
    );
  });
});

it('starts while a subgraph is down, and can be told another address of a subgraph', async () => {
  const down = graph.supergraphSdl.replaceAll(graph.reviews.url, 'http://127.0.0.1:1/graphql');
  const supergraph = sourceOf(down);
  const other = await startTestGateway({ supergraph });
  expect(await other.query('{ me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
  expect((await other.query(spanning)).errors[0].extensions.code).toBe('SUBREQUEST_HTTP_ERROR');
  await other.stop();

  const told = await startTestGateway({ supergraph, subgraphs: { reviews: { url: graph.reviews.url } } });
  expect((await told.query(spanning)).errors).toBeUndefined();
  await told.stop();
});

it('writes a line for one of so many requests, and for each that is refused', async () => {
  const supergraph = sourceOf(graph.supergraphSdl);
  const sampled = await startTestGateway({ supergraph, logging: { sampling: 4 } });
  for (let i = 0; i < 8; i++) await sampled.query('{ me { name } }');
  for (let i = 0; i < 3; i++) await sampled.query('{ nobody }');
  await sampled.stop();
  const lines = sampled.log.filter(({ msg }) => msg === 'request');
  expect(lines.map(({ status }) => status)).toEqual([200, 200, 400, 400, 400]);
});

it('counts requests by operation and client, each operation of a batch as well', async () => {
  const headers = { 'apollographql-client-name': 'shop "web"\xe9', 'apollographql-client-version': '1.2' };
  const own = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), limits: { batch: 2 } });
  await own.post({ query: 'query MeOnce { me { name } }' }, { headers });
  await own.post([{ query: 'query A { me { name } }' }, { query: 'query B { me { name } }' }]);
  const metrics = await own.metrics();
  await own.stop();
  for (const name of ['MeOnce', 'A', 'B'])
    expect(metrics).toContain(
      `weir_graphql_operation_duration_seconds_count{graphql_operation_type="query",graphql_operation_name="${name}"} 1\n`,
    );
  expect(metrics).toContain(
    'weir_client_requests_total{client_name="shop \\"web\\"?",client_version="1.2"} 1\n',
  );
});

it('counts requests on the admin port', async () => {
  await gateway.query('{ me { name } }');
  expect(await gateway.metrics()).toMatch(
    /^http_server_request_duration_seconds_count\{http_request_method="POST",url_scheme="http",http_route="\/graphql",http_response_status_code="200"\} [1-9]/m,
  );
});
