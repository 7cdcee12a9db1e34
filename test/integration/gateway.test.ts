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

it('joins the answers of several subgraphs', async () => {
  expect(await gateway.query(spanning)).toEqual({
    data: {
      user: {
        name: 'Ada',
        reviews: [
          { rating: 5, author: { name: 'Ada' } },
          { rating: 3, author: { name: 'Grace' } },
        ],
      },
    },
  });
});

it('runs mutations, with variables', async () => {
  const answer = await gateway.query('mutation ($name: String!) { rename(id: "u2", name: $name) { name } }', {
    name: 'Hopper',
  });
  expect(answer).toEqual({ data: { rename: { name: 'Hopper' } } });
});

/** The line of a request in the access log. */
async function lineOf(id: string | null): Promise<Json> {
  const find = () => gateway.log.find(({ requestId, status }) => requestId === id && status !== undefined);
  await eventually(() => find() !== undefined);
  return find()!;
}

describe('towards subgraphs', () => {
  it('forwards the headers that are listed, and no other', async () => {
    await gateway.post(
      { query: '{ me { name } }' },
      {
        headers: {
          authorization: 'Bearer u1',
          'x-tenant': 't',
          'x-old': 'o',
          cookie: 'session=1',
          'x-other': 'o',
        },
      },
    );
    const { headers } = graph.accounts.requests[0]!;
    expect(headers).toMatchObject({
      authorization: 'Bearer u1',
      'x-tenant': 't',
      'x-new': 'o',
      'x-gateway': 'weir',
    });
    expect(headers).not.toHaveProperty('cookie');
    expect(headers).not.toHaveProperty('x-other');
  });

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

  it.each([
    ['sent none', {}],
    ['sent one that is not valid', { traceparent: '00-0-0-01', tracestate: 'vendor=value' }],
  ])('makes up no trace when the client %s', async (_, sent) => {
    const response = await gateway.post({ query: '{ me { name } }' }, { headers: sent });
    const { headers } = graph.accounts.requests[0]!;
    expect(headers).not.toHaveProperty('traceparent');
    expect(headers).not.toHaveProperty('tracestate');
    expect(response.headers.has('traceresponse')).toBe(false);
  });

  it('logs no id of the client that is not fit for it', async () => {
    const response = await gateway.post(
      { query: '{ me { name } }' },
      { headers: { 'x-request-id': 'a b{}' } },
    );
    const requestId = response.headers.get('x-request-id');
    expect(await lineOf(requestId)).not.toHaveProperty('clientRequestId');
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

  it('hands on its GraphQL errors with message and code, and without what else it says', async () => {
    graph.reviews.answer = (_, response) => {
      const error = {
        message: 'No.',
        locations: [{ line: 1, column: 1 }],
        extensions: { code: 'FORBIDDEN', stacktrace: ['at x'] },
      };
      response
        .writeHead(403, { 'content-type': 'application/json' })
        .end(JSON.stringify({ errors: [error] }));
    };
    const { errors } = await gateway.query('{ latestReviews { rating } }');
    expect(errors).toEqual([
      { message: 'No.', path: ['latestReviews'], extensions: { code: 'FORBIDDEN', service: 'reviews' } },
    ]);
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

  it('counts codes of its own, of subgraphs, and of operations that are refused', async () => {
    graph.reviews.answer = (_, response) =>
      response.end('{"errors":[{"message":"x","extensions":{"code":"SO\\nLD \\"OUT\\""}}]}');
    await gateway.query('{ latestReviews { rating } }');
    await gateway.query('{ nobody }');
    await gateway.query('{');
    const metrics = await gateway.metrics();
    expect(metrics).toMatch(/^weir_graphql_errors_total\{code="SO\?LD \\"OUT\\"",service="reviews"\} 1$/m);
    expect(metrics).toMatch(/^weir_graphql_errors_total\{code="GRAPHQL_VALIDATION_FAILED"\} 1$/m);
    expect(metrics).toMatch(/^weir_graphql_errors_total\{code="GRAPHQL_PARSE_FAILED"\} 1$/m);
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

it('replaces the messages of subgraphs when it is told to, and keeps their codes', async () => {
  const supergraph = sourceOf(graph.supergraphSdl);
  const masking = await startTestGateway({ supergraph, errors: { maskSubgraphs: 'all' } });
  graph.reviews.answer = (_, response) =>
    response.end('{"errors":[{"message":"no row in db7.internal","extensions":{"code":"NOT_FOUND"}}]}');
  const { errors } = await masking.query('{ latestReviews { rating } }');
  await masking.stop();
  expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', service: 'reviews' } }]);
  expect(JSON.stringify(errors)).not.toContain('db7');
});

it('writes one line of JSON for each request', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const response = await gateway.post({ query: 'query Named { me { name } }' }, { headers: { traceparent } });
  await response.text();
  const requestId = response.headers.get('x-request-id');
  await waitUntil(() => gateway.log.some((line) => line.requestId === requestId));
  expect(gateway.log.find((line) => line.requestId === requestId)).toMatchObject({
    level: 'info',
    msg: 'request',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    method: 'POST',
    path: '/graphql',
    status: 200,
    ms: expect.any(Number),
    operation: 'Named',
    operationType: 'query',
  });
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

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((turn) => setImmediate(turn));
}
