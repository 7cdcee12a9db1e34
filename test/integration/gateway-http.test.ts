/** GraphQL over HTTP at the endpoint, over real sockets. Over 300 lines: a case for each rule of the specification. */
import { connect } from 'node:net';
import { request } from 'node:http';
import { sourceOf, startTestGateway, type Json, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    limits: { body: '10KiB' },
    cors: { origins: ['https://shop.example'] },
  });
});

beforeEach(() => (graph.accounts.requests.length = 0));

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

const json = { 'content-type': 'application/json' };
const get = (search: string, headers: Record<string, string> = { 'apollo-require-preflight': '1' }) =>
  fetch(`${gateway.url}?${search}`, { headers });

async function expectError(response: Response, status: number, code: string): Promise<Json> {
  const body: Json = await response.json();
  expect(body).toEqual({
    errors: expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]),
  });
  expect([response.status, body.errors[0].extensions.code]).toEqual([status, code]);
  expect(response.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json/);
  expect(response.headers.get('x-request-id')).toBeTruthy();
  expect(graph.accounts.requests).toEqual([]);
  return body;
}

describe('answers 400 and BAD_REQUEST', () => {
  it.each([
    ['malformed JSON', '{"query":'],
    ['an empty body', ''],
    ['an array', '[{"query":"{ __typename }"}]'],
    ['a text', '"{ __typename }"'],
    ['a number', '1'],
    ['null', 'null'],
    ['an object without a query', '{}'],
    ['a query that is no text', '{"query":1}'],
    ['variables that are no object', '{"query":"{ __typename }","variables":[]}'],
    ['a body with a byte order mark', '\ufeff{"query":"{ __typename }"}'],
  ])('to %s', async (_, body) => {
    await expectError(await gateway.post(body), 400, 'BAD_REQUEST');
  });

  it('to a body that is not valid UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from('{"query":"{ me { name } } #'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    await expectError(await fetch(gateway.url, { method: 'POST', headers: json, body }), 400, 'BAD_REQUEST');
  });

  it('to a GET that a page of somebody else could have sent', async () => {
    await expectError(await get('query={me{name}}', {}), 400, 'BAD_REQUEST');
  });

  it('to a URL that is none', async () => {
    const answer = await sendRaw('GET /% HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"code":"BAD_REQUEST"/);
  });

  it('to what is no HTTP request', async () => {
    expect(await sendRaw('HELLO\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*"code":"BAD_REQUEST"/);
  });
});

describe('answers 415 and UNSUPPORTED_MEDIA_TYPE', () => {
  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-7',
    'application/json; charset=latin1',
    'application/xml',
  ])('to a body of %s', async (type) => {
    const response = await gateway.post(
      { query: '{ me { name } }' },
      { headers: { 'content-type': type, 'apollo-require-preflight': '1' } },
    );
    await expectError(response, 415, 'UNSUPPORTED_MEDIA_TYPE');
  });
});

describe('answers 405 and METHOD_NOT_ALLOWED', () => {
  it.each(['PUT', 'DELETE', 'PATCH'])('to a %s', async (method) => {
    const response = await fetch(gateway.url, { method, headers: json, body: '{"query":"{ me { name } }"}' });
    expect(response.headers.get('allow')).toBe('GET, POST');
    await expectError(response, 405, 'METHOD_NOT_ALLOWED');
  });
});

describe('answers 413 and PAYLOAD_TOO_LARGE', () => {
  it.each([
    ['with', 20_000],
    ['with a much larger', 20_000_000],
  ])('to a body %s content-length', async (_, size) => {
    await expectError(await gateway.post('x'.repeat(size)), 413, 'PAYLOAD_TOO_LARGE');
  });

  it('to a body that comes in pieces, while the client still sends', async () => {
    const response = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const upload = request(gateway.url, {
        method: 'POST',
        headers: { ...json, 'transfer-encoding': 'chunked' },
      });
      const sending = setInterval(() => upload.write('x'.repeat(4096)), 1);
      upload.on('error', (error) => {
        clearInterval(sending);
        reject(error);
      });
      upload.on('response', (answer) => {
        let body = '';
        answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
        answer.on('end', () => {
          clearInterval(sending);
          upload.end();
          resolve({ status: answer.statusCode!, body });
        });
      });
    });
    expect(response).toEqual({ status: 413, body: expect.stringContaining('"PAYLOAD_TOO_LARGE"') });
  });
});

it('answers 404 in JSON to a path that it does not serve', async () => {
  const body = await expectError(await fetch(new URL('/admin', gateway.url)), 404, 'NOT_FOUND');
  expect(body.errors[0].message).toBe('The endpoint is /graphql; nothing is served here.');
});

it.each([
  ['/admin', 'Nothing is served here, but /metrics, /health/live, /health/ready, /console.'],
  ['/cache/invalidate', 'Nothing can be invalidated over HTTP while the option `admin.token` is not set.'],
])('answers 404 in JSON on the port for operators, too: %s', async (path, message) => {
  const response = await fetch(new URL(path, gateway.adminUrl), { method: 'POST' });
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ errors: [{ message, extensions: { code: 'NOT_FOUND' } }] });
});

it('answers 406 to a client that accepts none of its media types', async () => {
  const response = await gateway.post({ query: '{ __typename }' }, { headers: { accept: 'text/css' } });
  expect(response.status).toBe(406);
  expect(((await response.json()) as Json).errors[0].extensions.code).toBe('NOT_ACCEPTABLE');
});

describe('answers 400 to a document that', () => {
  it.each([
    ['does not parse', '{ me { name }', 'GRAPHQL_PARSE_FAILED'],
    ['is not valid', '{ me { nam } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['lacks a variable', 'query ($id: ID!) { user(id: $id) { name } }', 'BAD_USER_INPUT'],
    [
      'has no such operation',
      'query A { me { name } } query B { me { name } }',
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['asks for the schema in production', '{ __schema { types { name } } }', 'INTROSPECTION_DISABLED'],
  ])('%s', async (_, query, code) => {
    await expectError(await gateway.post({ query }), 400, code);
  });

  it('misspells a field, without a hint in production', async () => {
    const { errors } = await gateway.query('{ me { nam } }');
    expect(errors[0].message).not.toContain('Did you mean');
  });
});

it('answers queries over GET', async () => {
  const response = await get(
    `query=${encodeURIComponent('query ($id: ID!) { user(id: $id) { name } }')}&variables={"id":"u2"}`,
  );
  expect(await response.json()).toEqual({ data: { user: { name: 'Grace' } } });
});

describe('across origins', () => {
  const preflight = (origin: string, headers: string, to = gateway) =>
    fetch(to.url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': headers },
    });

  it('lets the listed pages call, and read the ids of the request', async () => {
    const response = await preflight('https://shop.example', 'content-type,authorization');
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    const answer = await gateway.post(
      { query: '{ me { name } }' },
      { headers: { origin: 'https://shop.example' } },
    );
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(answer.headers.get('access-control-expose-headers')).toBe(
      'x-request-id, ratelimit, ratelimit-policy, retry-after',
    );
  });

  it('lets Apollo Sandbox and pages of the own machine call in development', async () => {
    const development = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      mode: 'development',
    });
    const headers =
      'content-type,authorization,apollo-require-preflight,apollographql-client-name,apollographql-client-version,apollo-query-plan-experimental,traceparent,x-api-key,x-amz-date,x-amz-security-token';
    for (const origin of [
      'https://studio.apollographql.com',
      'http://localhost:3000',
      'http://127.0.0.1:8080',
    ]) {
      const response = await preflight(origin, headers, development);
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
      expect(response.headers.get('access-control-allow-headers')).toBe(headers);
    }
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
      const response = await preflight(origin, headers, development);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
    await development.stop();
  });
});

it('says that it lives and is ready, on both ports', async () => {
  for (const base of [gateway.url, gateway.adminUrl!]) {
    expect(await (await fetch(new URL('/health/live', base))).json()).toEqual({ status: 'live' });
    expect(await (await fetch(new URL('/health/ready', base))).json()).toEqual({ status: 'ready' });
  }
});

/** What comes back for these bytes, until the connection is closed. */
function sendRaw(bytes: string, to = gateway): Promise<string> {
  const { hostname, port } = new URL(to.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      if (answer.includes('"errors"')) socket.end();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('a document that', () => {
  it.each([
    [
      'is a subscription where there is none',
      'subscription { x }',
      'GRAPHQL_VALIDATION_FAILED',
      'The subscription operation is not supported by the schema.',
    ],
    [
      'is nested 4,500 levels deep',
      '{a'.repeat(4500),
      'MAX_DEPTH_LIMIT',
      'The document is nested deeper than 30 levels.',
    ],
  ])('%s is refused in words that tell nothing of the parser', async (_, query, code, message) => {
    const body = await expectError(await gateway.post({ query }), 400, code);
    expect(body.errors[0].message).toBe(message);
  });

  it('is quoted in an error only as far as 1,000 characters', async () => {
    const body = await expectError(
      await gateway.post({ query: 'a'.repeat(9000) }),
      400,
      'GRAPHQL_PARSE_FAILED',
    );
    expect(body.errors[0].message.length).toBeLessThan(1010);
  });
});
