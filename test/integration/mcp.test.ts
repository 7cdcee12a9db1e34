/** Tools of agents over one graph. Over 300 lines: all that may be sent to them meets the same gateway. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { GatewayOptions } from '../../gateway';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { modernMessage, olderMessage, toolFiles, type ToolMessage } from '../support/tool-files';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [
  "@key", "@shareable", "@authenticated", "@requiresScopes", "@policy"])`;

const files = toolFiles({
  'find.graphql': `
    # title: Find products
    # openWorld: false
    # Finds products by words.
    query FindProducts($words: String!, $first: Int = 10) { find(words: $words, first: $first) { id name } }`,
  'orders.graphql': `
    "The orders of the caller."
    query MyOrders { orders { total } }`,
  'stock.graphql': 'query Stock { stock audit }',
  'partial.graphql': '# partial: true\nquery Overview { find(words: "a") { id } stock }',
  'staff.graphql': 'query Staff { margin }',
  'buy.graphql': 'mutation Buy($id: ID!) { buy(id: $id) }',
});

let shop: TestSubgraph;
let supergraph: string;
let issuer: TokenIssuer;
let gateway: TestGateway;

beforeAll(async () => {
  issuer = await startTokenIssuer();
  shop = await startSubgraph({
    name: 'shop',
    typeDefs: `${link}
      type Query {
        find(words: String!, first: Int): [Product!]
        orders: [Order!] @authenticated
        stock: Int @requiresScopes(scopes: [["admin"], ["stock:read", "stock:list"]])
        audit: Int @requiresScopes(scopes: [["audit"]])
        margin: Int @policy(policies: [["board"]])
      }
      type Mutation { buy(id: ID!): Boolean }
      type Product { id: ID! name: String }
      type Order { total: Int }`,
    resolvers: {
      Query: {
        find: (_: unknown, { first = 1 }: { first?: number }) =>
          Array.from({ length: first }, (_each, i) => ({
            id: String(i),
            name: 'x'.repeat(first > 100 ? 1000 : 1),
          })),
        orders: () => [{ total: 7 }],
        stock: () => 3,
        audit: () => 4,
        margin: () => 5,
      },
      Mutation: { buy: () => true },
    },
  });
  supergraph = compose([shop]);
});

afterAll(async () => {
  await shop.close();
  await issuer.close();
  files.remove();
});

const key = (name: string) => ({ client: name, sha256: createHash('sha256').update(name).digest('hex') });
const resource = 'https://api.shop.example/mcp';

async function start(options: GatewayOptions = {}): Promise<void> {
  gateway = await startTestGateway({
    supergraph: sourceOf(supergraph),
    mode: 'production',
    auth: {
      anonymous: true,
      oidc: [{ issuer: issuer.url, audience: resource }],
      apiKeys: [key('app')],
    },
    mcp: { resource, operations: [files.pattern], ...options.mcp },
    ...options,
  });
  shop.requests.length = 0;
}

afterEach(() => gateway.stop());

const endpoint = (): string => gateway.url.replace('/graphql', '/mcp');

async function send(
  { headers, body }: { headers: Record<string, string>; body: string },
  own: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: Json }> {
  const answer = await fetch(endpoint(), { method: 'POST', headers: { ...headers, ...own }, body });
  const text = await answer.text();
  const json = text.startsWith('event:') ? /^data: (.*)$/m.exec(text)![1]! : text;
  return { status: answer.status, headers: answer.headers, body: json === '' ? undefined : JSON.parse(json) };
}

const call = (name: string, given: object = {}, own: Record<string, string> = {}) =>
  send(modernMessage({ method: 'tools/call', params: { name, arguments: given } }), own);

const tokenWith = async (scope?: string): Promise<Record<string, string>> => ({
  authorization: `Bearer ${await issuer.token({ aud: resource, sub: 'u1', ...(scope !== undefined && { scope }) })}`,
});

it.each<[string, (message: ToolMessage) => ReturnType<typeof olderMessage>]>([
  ['2026', modernMessage],
  ['2025', olderMessage],
])('lists and calls tools in the protocol of %s', async (_, messageOf) => {
  await start();
  const { body: listed } = await send(messageOf({ method: 'tools/list' }), await tokenWith());
  expect(listed.result.tools.map(({ name }: Json) => name)).toEqual([
    ...['FindProducts', 'MyOrders', 'Overview', 'Stock'],
  ]);
  expect(listed.result.tools[0]).toMatchObject({
    title: 'Find products',
    description: 'Finds products by words.',
    inputSchema: {
      type: 'object',
      properties: { words: { type: 'string' }, first: { type: ['integer', 'null'], default: 10 } },
      required: ['words'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  });
  const params = { name: 'FindProducts', arguments: { words: 'a', first: 1 } };
  const { status, body } = await send(messageOf({ method: 'tools/call', params, id: 'x' }));
  const data = { find: [{ id: '0', name: 'x' }] };
  expect([status, body.id, body.result.structuredContent]).toEqual([200, 'x', { data }]);
  expect(JSON.parse(body.result.content[0].text)).toEqual({ data });
});

it('shows anonymous callers the tools that need no login, and has them log in for the others', async () => {
  await start();
  const { body } = await send(modernMessage({ method: 'tools/list' }));
  expect(body.result.tools.map(({ name }: Json) => name)).toEqual(['FindProducts', 'Overview']);
  expect(body.result).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' });
  const refused = await call('MyOrders');
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
    401,
    'Bearer resource_metadata="https://api.shop.example/.well-known/oauth-protected-resource/mcp"',
  ]);
  expect(refused.body).toEqual({
    ...{ jsonrpc: '2.0', id: 1 },
    error: { code: -32_000, message: 'This tool needs a signed-in caller.' },
  });
});

it('refuses a field that the caller may not see, with the whole group of scopes that lacks the least', async () => {
  await start();
  const { status, headers, body } = await call('Stock', {}, await tokenWith('stock:read'));
  expect([status, headers.get('www-authenticate')]).toEqual([
    403,
    'Bearer error="insufficient_scope", scope="admin audit", resource_metadata="https://api.shop.example/.well-known/oauth-protected-resource/mcp"',
  ]);
  expect(body.error.message).toBe(
    'The caller may not see all fields of this tool. It needs the scope "admin", or the scopes "stock:read" and "stock:list", which the caller lacks. It needs the scope "audit", which the caller lacks.',
  );
  expect(shop.requests).toEqual([]);
  const allowed = await call('Stock', {}, await tokenWith('admin audit'));
  expect(allowed.body.result.structuredContent).toEqual({ data: { stock: 3, audit: 4 } });
});

it('answers what the caller may see where the document is partial', async () => {
  await start();
  const { body } = await call('Overview', {}, await tokenWith());
  expect(body.result.structuredContent).toMatchObject({
    data: { find: [{ id: '0' }], stock: null },
    errors: [{ path: ['stock'], extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' } }],
  });
  expect(body.result.isError).toBeUndefined();
});

it('answers a call of a client that names no version', async () => {
  await start();
  const { 'mcp-protocol-version': _version, ...headers } = olderMessage({ method: 'ping' }).headers;
  const params = { name: 'FindProducts', arguments: { words: 'a', first: 1 } };
  const { body } = olderMessage({ method: 'tools/call', params });
  const answer = await send({ headers, body });
  expect(answer.body.result.structuredContent).toEqual({ data: { find: [{ id: '0', name: 'x' }] } });
});

it('lets pages of listed origins ask first', async () => {
  await start({ cors: { origins: ['https://app.example'] } });
  const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
  const { status, headers: answered } = await fetch(endpoint(), { method: 'OPTIONS', headers });
  expect([status, answered.get('access-control-allow-origin')]).toEqual([204, 'https://app.example']);
});

it('lets pages of listed origins read where they get a token', async () => {
  await start({ cors: { origins: ['https://app.example'] } });
  const { status, headers } = await call('MyOrders', {}, { origin: 'https://app.example' });
  expect([status, headers.get('access-control-allow-origin')]).toEqual([401, 'https://app.example']);
  expect(headers.get('access-control-expose-headers')).toContain('www-authenticate');
  expect(headers.get('www-authenticate')).toContain('resource_metadata=');
});

it('counts calls under the path of the tools', async () => {
  await start();
  await call('FindProducts', { words: 'a', first: 1 });
  await gateway.post({ query: '{ find(words: "c", first: 20) { id } }' });
  const counted = (await gateway.metrics())
    .split('\n')
    .filter((line) => line.startsWith('http_server_request_duration_seconds_count{'))
    .map((line) => /http_route="([^"]*)"/.exec(line)?.[1]);
  expect(counted.sort()).toEqual(['/graphql', '/mcp']);
});

it('explains in a result what no token would help with', async () => {
  await start();
  const { status, body } = await call('Staff', {}, await tokenWith('admin'));
  expect([status, body.result.isError]).toEqual([200, true]);
  expect(body.result.content[0].text).toBe(
    'The caller may not see all fields of this tool. It needs the policy "board", which the caller lacks.',
  );
  const withKey = await call('MyOrders', {}, { 'x-api-key': 'app' });
  expect([withKey.status, withKey.body.result.isError]).toEqual([200, true]);
});

describe('a request that is no call', () => {
  beforeEach(() => start());

  it.each(['GET', 'DELETE', 'PUT'])('by %s is answered with 405', async (method) => {
    const { status, headers } = await fetch(endpoint(), { method });
    expect([status, headers.get('allow')]).toEqual([405, 'POST']);
  });

  it.each(['https://evil.example', 'http://evil.example:4000', 'null'])(
    'of a page of %s is answered with 403',
    async (origin) => {
      const { status, body } = await send(modernMessage({ method: 'tools/list' }), { origin });
      expect([status, body.error.code]).toEqual([403, -32_000]);
    },
  );

  it('of a page of the own origin is answered', async () => {
    const own = { origin: 'https://api.shop.example' };
    expect((await send(modernMessage({ method: 'ping' }), own)).status).not.toBe(403);
    expect((await send(modernMessage({ method: 'tools/list' }), own)).status).toBe(200);
  });

  it.each([
    ['a modern one', modernMessage({ method: 'resources/list' })],
    [
      'one that is deep',
      {
        headers: { 'content-type': 'application/json' },
        body: `{"jsonrpc":"2.0","id":1,"method":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      },
    ],
    ['one that opens a stream', modernMessage({ method: 'subscriptions/listen' })],
    [
      'one without a version',
      { headers: { 'content-type': 'application/json' }, body: '{"jsonrpc":"2.0","id":1,"method":"a/b"}' },
    ],
  ])('of an unknown method is answered with 404: %s', async (_, message) => {
    const { status, body } = await send(message);
    expect([status, body.error.code]).toEqual([404, -32_601]);
  });

  it.each([
    ['no JSON', '{"jsonrpc"', -32_700],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32_600],
    ['no message', '{"query":"{ find }"}', -32_600],
  ])('is answered with 400: %s', async (_, body, code) => {
    const answer = await send({ headers: { 'content-type': 'application/json' }, body });
    expect([answer.status, answer.body.error.code, answer.body.id]).toEqual([400, code, null]);
  });

  it('explains that there are no batches', async () => {
    const body = '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]';
    const answer = await send({ headers: { 'content-type': 'application/json' }, body });
    expect(answer.body.error.message).toBe(
      'Batches are not supported by this version of the protocol: send each message by itself.',
    );
  });

  it('of a wrong media type or size is refused before it is read', async () => {
    const text = await send({ headers: { 'content-type': 'text/plain' }, body: '{}' });
    expect([text.status, text.body.jsonrpc]).toEqual([415, '2.0']);
    const large = await call('FindProducts', { words: 'x'.repeat(2_000_000) });
    expect([large.status, large.body.error.message]).toEqual([413, expect.stringContaining('bytes')]);
  });

  it('of a wrong token is answered with 401', async () => {
    const { status } = await call('FindProducts', { words: 'a' }, { authorization: 'Bearer x.y.z' });
    expect(status).toBe(401);
  });
});

it.each<[string, string, object, string]>([
  ['an unknown tool', 'FindProduct', {}, 'There is no tool "FindProduct"; did you mean "FindProducts"?'],
  ['a tool that the caller does not see', 'Buy', { id: '1' }, 'There is no tool "Buy".'],
])('answers %s with the nearest name', async (_, name, given, message) => {
  await start();
  const { status, body } = await call(name, given);
  expect([status, body.error]).toEqual([200, { code: -32_602, message }]);
});

it.each<[string, object, string]>([
  ['a missing argument', {}, 'The argument "words" of required type "String!" was not provided.'],
  ['a wrong argument', { words: 'a', first: 'two' }, 'The argument "first" got invalid value'],
  ['an unknown argument', { words: 'a', fisrt: 2 }, 'The tool has no argument "fisrt": did you mean first?'],
  [
    'too large an answer',
    { words: 'a', first: 500 },
    'more than the 262144 of a tool. Request less by `first`.',
  ],
])('explains %s in a result', async (_, given, sentence) => {
  await start();
  for (const messageOf of [modernMessage, olderMessage]) {
    const { status, body } = await send(
      messageOf({ method: 'tools/call', params: { name: 'FindProducts', arguments: given } }),
    );
    expect([status, body.result.isError]).toEqual([200, true]);
    expect(body.result.content[0].text).toContain(sentence);
  }
});

it('explains a rate that is exceeded in a result, by cost and by protocol', async () => {
  await start({
    rates: [{ name: 'agents', per: 'identity', protocol: 'mcp', count: 'cost', limit: 30, window: '1h' }],
  });
  expect((await call('FindProducts', { words: 'a', first: 20 })).body.result.isError).toBeUndefined();
  const { status, body } = await call('FindProducts', { words: 'b', first: 20 });
  expect([status, body.result.isError]).toEqual([200, true]);
  expect(body.result.content[0].text).toContain('agents');
  expect((await gateway.post({ query: '{ find(words: "c", first: 20) { id } }' })).status).toBe(200);
});

it('takes mutations as tools where they are allowed', async () => {
  await start({ mcp: { resource, operations: [files.pattern], mutations: 'allow' } });
  const { body } = await send(modernMessage({ method: 'tools/list' }));
  expect(body.result.tools[0]).toMatchObject({
    name: 'Buy',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  });
  expect((await call('Buy', { id: '1' })).body.result.structuredContent).toEqual({ data: { buy: true } });
});

it('names the scopes of all tools to a caller without a token, where that is wanted', async () => {
  await start({
    mcp: { resource, operations: [files.pattern], scopes: 'all' },
    auth: { oidc: [{ issuer: issuer.url, audience: resource }] },
  });
  const { status, headers } = await call('FindProducts', { words: 'a' });
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toContain('scope="admin audit"');
});

it('shares cached answers, and keeps those of tools from clients who may not send their operations', async () => {
  const web = toolFiles({ 'web.json': '{}' });
  await start({
    persistedOperations: { manifest: [`${web.folder}/web.json`], mode: 'reject' },
    cache: { responses: { operations: { FindProducts: { maxAge: '1h', scope: 'public' } } } },
  });
  const variables = { words: 'a', first: 1 };
  for (const headers of [{}, { 'accept-encoding': 'gzip', 'if-none-match': '*' }, await tokenWith()]) {
    const { body } = await call('FindProducts', variables, headers);
    expect(body.result.structuredContent).toEqual({ data: { find: [{ id: '0', name: 'x' }] } });
  }
  expect(shop.requests).toHaveLength(1);
  const query = readFileSync(`${files.folder}/find.graphql`, 'utf8');
  const sent = await gateway.post({ query, operationName: 'FindProducts', variables });
  expect((await (sent.json() as Promise<Json>)).errors[0].extensions.code).toBe('QUERY_NOT_IN_SAFELIST');
  web.remove();
});

it('records each call: its tool and its outcome, and of its arguments nothing but an HMAC', async () => {
  const trail = toolFiles({});
  const to = `${trail.folder}/audit.jsonl`;
  await start({ audit: { trails: [{ to }], key: 'of at least 16 characters' } });
  await call('FindProducts', { words: 'never to be seen', first: 1 });
  await call('FindProducts', { words: 'never to be seen', first: 'two' });
  await call('Stock', {}, await tokenWith());
  const deep = modernMessage({
    method: 'tools/call',
    params: { name: 'FindProducts', arguments: { words: 'deep' } },
  });
  const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const { body: answer } = await send({ ...deep, body: deep.body.replace('"deep"', nested) });
  expect(answer.result.content[0].text).toBe('The arguments are nested too deeply.');
  const metrics = await gateway.metrics();
  await gateway.stop();
  const lines = readFileSync(to, 'utf8').trim().split('\n');
  const records = lines.map((line): Json => JSON.parse(line)).filter(({ action }) => action === 'tool.call');
  expect(records).toMatchObject([
    {
      operation: 'FindProducts',
      outcome: 'ok',
      details: { arguments: expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
    { operation: 'FindProducts', outcome: 'failed', errors: ['BAD_USER_INPUT'] },
    {
      operation: 'Stock',
      outcome: 'failed',
      identity: { mode: 'oidc', subject: 'u1' },
      details: { outcome: 'refused' },
    },
    { operation: 'FindProducts', outcome: 'failed' },
  ]);
  expect(lines.join('')).not.toContain('never to be seen');
  for (const outcome of ['ok', 'failed'])
    expect(metrics).toContain(`weir_mcp_calls_total{gen_ai_tool_name="FindProducts",outcome="${outcome}"} `);
  trail.remove();
});

it('reports an operation that the supergraph does not have, and goes on', async () => {
  const own = toolFiles({
    'a.graphql': 'query A { gone }',
    'b.graphql': 'query B { find(words: "b") { id } }',
  });
  await start({ mcp: { resource, operations: [own.pattern] } });
  const { body } = await send(modernMessage({ method: 'tools/list' }));
  expect(body.result.tools.map(({ name }: Json) => name)).toEqual(['B']);
  expect(gateway.log).toContainEqual(
    expect.objectContaining({
      msg: 'an operation is no tool',
      tool: 'A',
      reason: expect.stringContaining('gone'),
    }),
  );
  own.remove();
});
