/**
 * Tools behind a real authorisation server: an official client from the first 401 to a token of a subgraph, and attacks. Over
 * 300 lines: over forty attacks meet the same gateway.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server';
import { freePort } from '../support/free-port';
import { endAll } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { modernMessage, toolFiles } from '../support/tool-files';

const redirect = 'http://127.0.0.1/callback';
const audiences = {
  graphql: 'https://graphql.shop.example',
  orders: 'https://orders.shop.example',
  billing: 'https://billing.shop.example',
};
const files = toolFiles({
  'find.graphql': 'query Find($words: String) { find(words: $words) }',
  'orders.graphql': 'query Orders { orders }',
  'stock.graphql': 'query Stock { stock }',
  'change.graphql': 'mutation Change { change }',
});
let resource: string;
let server: AuthorizationServer;
let issuer: TokenIssuer;
let shop: TestSubgraph;
let orders: TestSubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  const port = await freePort();
  resource = `http://127.0.0.1:${port}/mcp`;
  const scopes = 'orders:read stock:read stock:list';
  [server, issuer] = await Promise.all([
    startAuthorizationServer(
      { [resource]: scopes, ...Object.fromEntries(Object.values(audiences).map((each) => [each, scopes])) },
      redirect,
    ),
    startTokenIssuer(),
  ]);
  const link =
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])';
  shop = await startSubgraph({
    name: 'shop',
    typeDefs: `${link}
      type Query { find(words: String): Int  stock: Int @requiresScopes(scopes: [["stock:read", "stock:list"]]) }
      type Mutation { change: Int }`,
    resolvers: { Query: { find: () => 1, stock: () => 2 } },
  });
  orders = await startSubgraph({
    name: 'orders',
    typeDefs: `${link} type Query { orders: Int @requiresScopes(scopes: [["orders:read"]]) }`,
    resolvers: { Query: { orders: () => 3 } },
  });
  gateway = await startTestGateway({
    port,
    supergraph: sourceOf(compose([shop, orders])),
    mode: 'production',
    mcp: { resource, operations: [files.pattern] },
    auth: {
      apiKeys: [{ client: 'app', sha256: createHash('sha256').update('key-of-the-app').digest('hex') }],
      oidc: [
        { issuer: server.issuer, audience: audiences.graphql },
        { issuer: issuer.url, audience: 'shop' },
      ],
    },
    cache: { responses: { enabled: false } },
    headers: { forward: ['authorization', 'cookie', 'x-*'] },
    subgraphs: {
      orders: {
        auth: {
          ...{ type: 'TOKEN_EXCHANGE', tokenUrl: `${server.issuer}/token`, audience: audiences.orders },
          ...{ scopes: ['orders:read'], clientId: 'weir', clientSecret: 'of-the-gateway' },
        },
      },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([server.stop(), issuer.close(), shop.close(), orders.close()]);
  await endAll();
  files.remove();
});
beforeEach(() => {
  for (const { requests } of [shop, orders]) requests.length = 0;
});
const calls = (): number => shop.requests.length + orders.requests.length;

it.each([
  ['of 2025', 'legacy'],
  ['of 2026', 'auto'],
] as const)(
  'takes an official client of the protocol %s from the metadata to a token of a subgraph',
  async (_, mode) => {
    orders.requests.length = 0;
    let tokens: Json;
    let verifier = '';
    const authorizations: URL[] = [];
    const authProvider = {
      redirectUrl: redirect,
      clientMetadata: { redirect_uris: [redirect], client_name: 'test', scope: 'openid' },
      clientInformation: () => ({ client_id: 'agent' }),
      tokens: () => tokens,
      saveTokens: (saved: Json) => void (tokens = saved),
      redirectToAuthorization: (url: URL) => void authorizations.push(url),
      saveCodeVerifier: (text: string) => void (verifier = text),
      codeVerifier: () => verifier,
    };
    let transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider });
    const newClient = () => new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
    let client = newClient();
    /** Does what needs a token, or more scopes, and again with these. */
    const authorised = async <Value>(act: () => Promise<Value>): Promise<Value> => {
      const error: unknown = await act().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(UnauthorizedError);
      await transport.finishAuth(await server.authorize(authorizations.at(-1)!));
      return act();
    };

    await authorised(async () => {
      await client.close();
      transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider });
      client = newClient();
      await client.connect(transport);
    });
    expect(client.getNegotiatedProtocolVersion()).toBe(mode === 'auto' ? '2026-07-28' : '2025-11-25');
    expect(authorizations[0]!.origin).toBe(server.issuer);
    expect(Object.fromEntries(authorizations[0]!.searchParams)).toMatchObject({
      code_challenge_method: 'S256',
      resource,
    });
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: resource, sub: 'ada', iss: server.issuer });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['Find', 'Orders', 'Stock']);
    const dataOf = async (name: string): Promise<Json> => {
      const { structuredContent } = await client.callTool({ name });
      return (structuredContent as Json).data;
    };
    expect(await dataOf('Find')).toEqual({ find: 1 });

    expect(await authorised(() => dataOf('Orders'))).toEqual({ orders: 3 });
    expect(decodeJwt(tokens.access_token)['scope']).toContain('orders:read');
    const [{ headers }] = orders.requests as [TestSubgraph['requests'][number]];
    const sent = headers.authorization!.replace('Bearer ', '');
    expect(decodeJwt(sent)).toMatchObject({ aud: audiences.orders, sub: 'ada', scope: 'orders:read' });
    expect(sent).not.toBe(tokens.access_token);

    expect(await authorised(() => dataOf('Stock'))).toEqual({ stock: 2 });
    expect(authorizations.at(-1)!.searchParams.get('scope')!.split(' ')).toEqual(
      expect.arrayContaining(['orders:read', 'stock:read', 'stock:list']),
    );
    for (const { headers: all } of shop.requests)
      expect(JSON.stringify(all)).not.toContain(String(tokens.access_token).split('.')[2]);
    await client.close();
  },
);

/** Tokens of the authorisation server, by PKCE. */
async function tokensFor(audience: string, scope = ''): Promise<Json> {
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL('/auth', server.issuer);
  const common = { client_id: 'agent', redirect_uri: redirect, resource: audience };
  url.search = new URLSearchParams({
    ...{ ...common, response_type: 'code', scope: `openid ${scope}`.trim(), code_challenge_method: 'S256' },
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  }).toString();
  const code = (await server.authorize(url)).get('code')!;
  const answer = await fetch(`${server.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ ...common, grant_type: 'authorization_code', code, code_verifier: verifier }),
  });
  return answer.json();
}
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const from = async (audience: string, scope?: string) =>
  bearer((await tokensFor(audience, scope)).access_token);
const forged = async (claims: Json, header?: Record<string, string>) =>
  bearer(await issuer.token({ aud: resource, ...claims }, header));

interface Attempt {
  readonly status: number;
  readonly text: string;
  readonly challenge: string | null;
}
async function send(
  headers: Record<string, string>,
  body: string,
  url = resource,
  method = 'POST',
): Promise<Attempt> {
  const answer = await fetch(url, { method, headers, ...(method === 'POST' && { body }) });
  return {
    status: answer.status,
    text: await answer.text(),
    challenge: answer.headers.get('www-authenticate'),
  };
}
const call = (
  own: Record<string, string>,
  name = 'Find',
  given: object = {},
  more: object = {},
): Promise<Attempt> => {
  const { headers, body } = modernMessage({
    method: 'tools/call',
    params: { name, arguments: given, ...more },
  });
  return send({ ...headers, ...own }, body);
};
const graphql = (own: Record<string, string>) =>
  send({ 'content-type': 'application/json', ...own }, '{"query":"{ find }"}', gateway.url);

/** What is sent byte by byte, as `fetch` sends no such request. */
function raw(lines: readonly string[], body: string): Promise<Attempt> {
  return new Promise((resolve) => {
    const { port, host } = new URL(resource);
    const names = lines.join().toLowerCase();
    const all = [
      ...['POST /mcp HTTP/1.1', 'connection: close', `content-length: ${body.length}`],
      ...(names.includes('host:') ? [] : [`host: ${host}`]),
      ...['content-type: application/json', 'accept: application/json, text/event-stream', ...lines],
    ];
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write(`${all.join('\r\n')}\r\n\r\n${body}`),
    );
    let text = '';
    socket.on('data', (piece) => (text += piece.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () =>
      resolve({
        status: Number(text.slice(9, 12)),
        text: text.slice(text.indexOf('\r\n\r\n') + 4),
        challenge: /www-authenticate: (.*)\r\n/i.exec(text)?.[1] ?? null,
      }),
    );
  });
}
const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const message = (params: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
const older = {
  'mcp-protocol-version': '2025-11-25',
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};
const good = () => forged({ sub: 'eve' });

type Attack = [name: string, attempt: () => Promise<Attempt>, status: number, text?: RegExp];

const ofTokens: readonly Attack[] = [
  ['no token', () => call({}), 401],
  ['a token of GraphQL', async () => call(await from(audiences.graphql)), 401],
  ['a token of a subgraph', async () => call(await from(audiences.orders)), 401],
  ['an id token', async () => call(bearer((await tokensFor(resource)).id_token)), 401],
  ['a token of tools for GraphQL', async () => graphql(await from(resource)), 401],
  ['a token of a subgraph for GraphQL', async () => graphql(await from(audiences.orders)), 401],
  ['an audience with a slash more', async () => call(await forged({ aud: `${resource}/` })), 401],
  [
    'an audience in other letters',
    async () => call(await forged({ aud: resource.replace('mcp', 'MCP') })),
    401,
  ],
  ['an audience below', async () => call(await forged({ aud: `${resource}/tools` })), 401],
  ['the origin as the audience', async () => call(await forged({ aud: new URL(resource).origin })), 401],
  ['a list of other audiences', async () => call(await forged({ aud: ['shop', `${resource}#`] })), 401],
  ['an audience that is no text', async () => call(await forged({ aud: { [resource]: true } })), 401],
  ['no audience', async () => call(await forged({ aud: undefined })), 401],
  ['an expired token', async () => call(await forged({ exp: inSeconds(-120) })), 401],
  ['a token that is not valid yet', async () => call(await forged({ nbf: inSeconds(600) })), 401],
  ['a token of nobody', async () => call(await forged({ iss: 'https://evil.example' })), 401],
  [
    'a token of another issuer in the name of this one',
    async () => call(await forged({ iss: server.issuer })),
    401,
  ],
  [
    'a token without a signature',
    async () => {
      const parts = [{ alg: 'none' }, { iss: issuer.url, aud: resource, exp: inSeconds(60) }];
      return call(
        bearer(`${parts.map((each) => Buffer.from(JSON.stringify(each)).toString('base64url')).join('.')}.`),
      );
    },
    401,
  ],
  [
    'a token that the public key signs as a secret',
    async () => {
      const key = Buffer.from(JSON.stringify(issuer.publicKey()));
      const claims = { iss: issuer.url, aud: resource, exp: inSeconds(60) };
      return call(bearer(await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key)));
    },
    401,
  ],
  [
    'a token that brings its key',
    async () => {
      const { privateKey, publicKey } = await generateKeyPair('RS256');
      const claims = { iss: issuer.url, aud: resource, exp: inSeconds(60) };
      const jwk = await exportJWK(publicKey);
      return call(
        bearer(
          await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'x', jwk }).sign(privateKey),
        ),
      );
    },
    401,
  ],
  [
    'a changed token',
    async () => {
      const { authorization } = await good();
      const [head, , signature] = authorization!.split('.');
      const claims = { iss: issuer.url, aud: resource, exp: inSeconds(60), scope: 'orders:read' };
      return call({
        authorization: [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.'),
      });
    },
    401,
  ],
  ['the secret of the gateway', () => call({ authorization: `Basic ${btoa('weir:of-the-gateway')}` }), 401],
  [
    'a wrong token with a right key',
    async () => call({ 'x-api-key': 'key-of-the-app', ...(await forged({ aud: 'x' })) }),
    401,
  ],
  [
    'a token in the URL',
    async () => {
      const { headers, body } = modernMessage({ method: 'tools/call', params: { name: 'Find' } });
      return send(headers, body, `${resource}?access_token=${(await good())['authorization']!.slice(7)}`);
    },
    401,
  ],
  ['a token in the message', async () => call({}, 'Find', {}, { _meta: await good() }), 401],
  [
    'a token in a cookie',
    async () => call({ cookie: `token=${(await good())['authorization']!.slice(7)}` }),
    401,
  ],
];

const ofScopes: readonly Attack[] = [
  ['no scope', async () => call(await from(resource), 'Orders'), 403],
  ['one scope of a group', async () => call(await from(resource, 'stock:read'), 'Stock'), 403],
  ['scopes of GraphQL', async () => call(await from(audiences.graphql, 'orders:read'), 'Orders'), 401],
  ['a scope in other letters', async () => call(await forged({ scope: 'ORDERS:READ' }), 'Orders'), 403],
  [
    'scopes in one text with commas',
    async () => call(await forged({ scope: 'orders:read,stock:read' }), 'Orders'),
    403,
  ],
  ['a map of scopes', async () => call(await forged({ scope: { 'orders:read': true } }), 'Orders'), 403],
  [
    'a scope as a header',
    async () => call({ ...(await good()), scope: 'orders:read', 'x-scopes': 'orders:read' }, 'Orders'),
    403,
  ],
  ['a key without scopes', () => call({ 'x-api-key': 'key-of-the-app' }, 'Orders'), 403],
  [
    'an identity in a header of ours',
    async () => {
      const identity = Buffer.from('{"mode":"oidc","sub":"root","scopes":["orders:read"]}').toString(
        'base64url',
      );
      return call({ ...(await good()), 'weir-identity': identity, 'weir-subject-token': 'x' }, 'Orders');
    },
    403,
  ],
];

const ofHeaders: readonly Attack[] = [
  [
    'two tokens',
    async () =>
      raw(
        [`authorization: ${(await good())['authorization']!}`, 'authorization: Bearer x'],
        message('{"name":"Find"}'),
      ),
    400,
  ],
  ['a line break in a token', () => raw(['authorization: Bearer x\ny: z'], message('{"name":"Find"}')), 400],
  ['a folded header', () => raw(['authorization: Bearer', ' x'], message('{"name":"Find"}')), 400],
  [
    'another name in its header than in the message',
    async () => call({ ...(await forged({ scope: '' })), 'mcp-name': 'Orders' }, 'Find'),
    400,
  ],
  ['another method in its header', async () => call({ ...(await good()), 'mcp-method': 'tools/list' }), 400],
  [
    'another host for the metadata',
    () => call({ 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }),
    401,
  ],
  ['a page of another origin', async () => call({ ...(await good()), origin: 'https://evil.example' }), 403],
  ['a page without an origin', async () => call({ ...(await good()), origin: 'null' }), 403],
  [
    'an origin that begins as ours',
    async () => call({ ...(await good()), origin: `${new URL(resource).origin}.evil.example` }),
    403,
  ],
  ['an origin with another port', async () => call({ ...(await good()), origin: 'http://127.0.0.1:1' }), 403],
  [
    'a name that was bound to this machine',
    async () =>
      raw(
        [
          `authorization: ${(await good())['authorization']!}`,
          'host: evil.example',
          'origin: http://evil.example',
        ],
        message('{"name":"Find"}'),
      ),
    403,
  ],
  [
    'a form of a page',
    async () => send({ ...(await good()), 'content-type': 'text/plain' }, message('{"name":"Find"}')),
    415,
  ],
  [
    'a stream',
    async () => send({ ...(await good()), accept: 'text/event-stream' }, '', resource, 'GET'),
    405,
  ],
  ['the end of a session', async () => send(await good(), '', resource, 'DELETE'), 405],
];

const ofMessages: readonly Attack[] = [
  ['10 MB of arguments', async () => call(await good(), 'Find', { words: 'x'.repeat(10_000_000) }), 413],
  [
    'arguments 100,000 deep',
    async () =>
      send(
        { ...older, ...(await good()) },
        message(`{"name":"Find","arguments":{"words":${deep(100_000)}}}`),
      ),
    200,
    /"isError":true|"error"/,
  ],
  ['a message 100,000 deep', async () => send({ ...older, ...(await good()) }, deep(100_000)), 400],
  [
    'arguments that nobody takes',
    async () => call(await good(), 'Find', { admin: true }),
    200,
    /has no argument/,
  ],
  [
    'arguments for prototypes',
    async () =>
      send(
        { ...older, ...(await good()) },
        message('{"name":"Find","arguments":{"__proto__":{"admin":true}}}'),
      ),
    200,
    /"isError":true|"error"/,
  ],
  ['a batch', async () => send({ ...older, ...(await good()) }, `[${message('{"name":"Find"}')}]`), 400],
  ['a tool that is not listed', async () => call(await good(), 'Secret'), 200, /-32602/],
  ['a mutation', async () => call(await good(), 'Change'), 200, /-32602/],
  ['a tool of every object', async () => call(await good(), 'constructor'), 200, /-32602/],
  ['a tool in place of a prototype', async () => call(await good(), '__proto__'), 200, /-32602/],
  ['an operation as a name', async () => call(await good(), '{ orders }'), 200, /-32602/],
  [
    'an operation beside the name',
    async () => call(await good(), 'Secret', {}, { query: '{ orders }' }),
    200,
    /-32602/,
  ],
  ['an operation of GraphQL', async () => send({ ...older, ...(await good()) }, '{"query":"{ find }"}'), 400],
  [
    'a message for GraphQL',
    async () =>
      send({ ...older, ...(await from(audiences.graphql)) }, message('{"name":"Find"}'), gateway.url),
    400,
  ],
  [
    'a method of other servers',
    async () =>
      send(
        { ...modernMessage({ method: 'resources/read' }).headers, ...(await good()) },
        modernMessage({ method: 'resources/read' }).body,
      ),
    404,
    /-32601/,
  ],
];

const exchangedBy =
  (fault: Parameters<AuthorizationServer['exchangeWith']>[0]) => async (): Promise<Attempt> => {
    await server.exchangeWith(fault);
    const attempt = await call(await from(resource, 'orders:read'), 'Orders');
    await server.exchangeWith({});
    return attempt;
  };
const refusal = /TOKEN_EXCHANGE_FAILED.*orders[^a-z]*null/;
const ofExchanges: readonly Attack[] = [
  ['a token for another service', exchangedBy({ audience: audiences.billing }), 200, refusal],
  ['a token for GraphQL', exchangedBy({ audience: audiences.graphql }), 200, refusal],
  ['the token of the caller', exchangedBy({ same: 'true' }), 200, refusal],
  ['nothing', exchangedBy({ status: '400' }), 200, refusal],
  [
    'nothing, for a token of another issuer',
    async () => call(await forged({ scope: 'orders:read' }), 'Orders'),
    200,
    refusal,
  ],
];

describe.each<[string, readonly Attack[]]>([
  ['tokens', ofTokens],
  ['scopes', ofScopes],
  ['headers', ofHeaders],
  ['messages', ofMessages],
  ['exchanges', ofExchanges],
])('attacks by %s', (_, attacks) => {
  it.each<Attack>([...attacks])('are refused: %s', async (_name, attempt, status, text = /./s) => {
    const got = await attempt();
    expect([got.status, got.text.slice(0, 600)]).toEqual([status, expect.stringMatching(text)]);
    expect(calls()).toBe(0);
    expect(got.text).not.toMatch(/eyJ|at \/|node:internal/);
    if (status === 403 && got.challenge !== null)
      expect(got.challenge).toMatch(/insufficient_scope.*scope="[^"]+"/);
    if (status === 401 && got.challenge?.includes('resource_metadata') === true)
      expect(got.challenge).toContain(
        `resource_metadata="${resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')}"`,
      );
    expect(await call(await good())).toMatchObject({
      status: 200,
      text: expect.stringContaining('"find":1') as string,
    });
  });
});

it('counts over forty attacks, and names the whole group of scopes', async () => {
  expect([ofTokens, ofScopes, ofHeaders, ofMessages, ofExchanges].flat().length).toBeGreaterThan(40);
  const { challenge } = await call(await from(resource, 'stock:read'), 'Stock');
  expect(challenge).toContain('scope="stock:read stock:list"');
});
