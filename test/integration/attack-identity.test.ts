/** The identity cases of attackers, each by every way in: a way that forgot to ask would be the one that they take. */
import { createHash, createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import * as aws4 from 'aws4';
import { exportSPKI, importJWK } from 'jose';
import { startAttackedOver, stopAttacked } from '../support/attacked-gateway';
import type { Canary } from '../support/canary';
import type { Json, TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { byHash, type WayIn, waysIn } from '../support/ways-in';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [
  "@key", "@external", "@requires", "@authenticated", "@requiresScopes"])`;
const keys = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let accounts: TestSubgraph;
let orders: TestSubgraph;
let issuer: TokenIssuer;
let gateway: TestGateway;
let canary: Canary;

beforeAll(async () => {
  const ada = { __typename: 'User', id: 'u1', name: 'Ada', email: 'ada@example.org', weight: 3 };
  accounts = await startSubgraph({
    name: 'accounts',
    typeDefs: `${link}
      type Query { user: User  node: Node  found: [Found] }
      type Mutation { erase: Int @requiresScopes(scopes: [["admin"]])  touch: Int }
      interface Node { id: ID! }
      union Found = User | Secret
      type User implements Node @key(fields: "id") {
        id: ID!  name: String  email: String @authenticated  weight: Int @requiresScopes(scopes: [["read"]])
      }
      type Secret implements Node @requiresScopes(scopes: [["staff"]]) { id: ID!  text: String }`,
    resolvers: {
      Query: {
        user: () => ada,
        node: () => ({ __typename: 'Secret', id: 's1', text: 'hush' }),
        found: () => [ada, { __typename: 'Secret', id: 's1', text: 'hush' }],
      },
      Mutation: { erase: () => 1, touch: () => 2 },
      User: { __resolveReference: () => ada },
    },
  });
  orders = await startSubgraph({
    name: 'orders',
    typeDefs: `${link}
      type User @key(fields: "id") {
        id: ID!  weight: Int @external
        postage: Int @requires(fields: "weight") @requiresScopes(scopes: [["read"]])
      }`,
    resolvers: { User: { postage: ({ weight }: { weight: number }) => weight * 2 } },
  });
  issuer = await startTokenIssuer();
  const options = {
    limits: { batch: 5 },
    headers: { forward: ['authorization', 'x-tenant'] },
    auth: {
      apiKeys: [
        { client: 'app', sha256: sha256('app') },
        { client: 'old', sha256: sha256('old'), expires: '2020-01-01T00:00:00Z' },
      ],
      oidc: [{ issuer: issuer.url, audience: 'shop' }],
      iam: { keys: [keys] },
    },
  };
  // A client without credentials is refused, whatever others send.
  ({ gateway, canary } = await startAttackedOver([accounts, orders], options, ['{__typename}']));
  const registration = waysIn.find(({ name }) => name.startsWith('a persisted query'))!;
  const authorization = await issuer.token({ scope: 'read staff admin' });
  for (const query of [whole, ...Object.values(positions).map(([text]) => text)]) {
    expect((await send(registration, query, { authorization })).answer.errors).toBeUndefined();
  }
});

afterEach(() => canary.expectUnharmed());

afterAll(async () => {
  await stopAttacked({ gateway, canary }, [accounts, orders]);
  await issuer.close();
});

beforeEach(() => {
  accounts.requests.length = orders.requests.length = 0;
});

const ways: readonly WayIn[] = [...waysIn, { name: 'a persisted query, by its hash', request: byHash }];
const whole = '{ user { name email } }';

type Credentials = (request: Request, body: string) => Promise<Record<string, string>>;

/** Sends an operation, with credentials that may depend on the request as it is sent. */
async function send(
  way: WayIn,
  query: string,
  credentials: Record<string, string> | Credentials,
): Promise<{ status: number; answer: Json }> {
  const request = way.request(gateway.url, { query });
  const given =
    typeof credentials === 'function'
      ? await credentials(request, await request.clone().text())
      : credentials;
  for (const [name, value] of Object.entries(given)) request.headers.set(name, value);
  const response = await fetch(request);
  const body: Json = await response.json();
  return { status: response.status, answer: Array.isArray(body) ? body.at(-1) : body };
}

const bearer =
  (make: () => Promise<string> | string): Credentials =>
  async () => ({ authorization: await make() });

/** By Signature Version 4, of a request that may differ from the one that is sent. */
const signed =
  (
    differ: (as: { path: string; body: string }) => {
      path?: string;
      body?: string;
      type?: string;
    } = () => ({}),
  ): Credentials =>
  async ({ method, url }, body) => {
    const { host, pathname, search } = new URL(url);
    const {
      path,
      body: signedBody,
      type,
    } = {
      path: pathname + search,
      body,
      type: 'application/json',
      ...differ({ path: pathname + search, body }),
    };
    const { headers } = aws4.sign(
      {
        method,
        host,
        path,
        service: 'appsync',
        region: 'eu-west-1',
        headers: { 'Content-Type': type },
        ...(method === 'GET' && signedBody === '' ? {} : { body: signedBody }),
      },
      keys,
    );
    const sent = Object.entries(headers as Record<string, string>).filter(
      ([name]) => !['host', 'content-length', 'content-type'].includes(name.toLowerCase()),
    );
    return { ...Object.fromEntries(sent), 'content-type': 'application/json' };
  };

const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url');
const claims = () => ({ iss: issuer.url, aud: 'shop', sub: 'u1', exp: inSeconds(60) });
const unsigned = (alg: string): string => `${part({ alg })}.${part(claims())}.`;

async function signedWithPublicKey(): Promise<string> {
  const key = (await importJWK(issuer.publicKey(), 'RS256')) as Parameters<typeof exportSPKI>[0];
  const head = `${part({ alg: 'HS256', kid: issuer.publicKey()['kid'] })}.${part(claims())}`;
  return `${head}.${createHmac('sha256', await exportSPKI(key))
    .update(head)
    .digest('base64url')}`;
}

const good: Record<string, Credentials> = {
  'an API key': async () => ({ 'x-api-key': 'app' }),
  'a token': bearer(() => issuer.token()),
  'a signature': signed(),
};

it.each(Object.keys(good))('lets in who has %s, by every way', async (name) => {
  for (const way of ways) {
    const { status, answer } = await send(way, whole, good[name]!);
    const email = name === 'an API key' ? null : 'ada@example.org';
    expect({ way: way.name, status, data: answer.data }).toEqual({
      way: way.name,
      status: 200,
      data: { user: { name: 'Ada', email } },
    });
  }
});

const bad: Record<string, Credentials> = {
  nothing: async () => ({}),
  'a wrong API key': async () => ({ 'x-api-key': 'ap' }),
  'an API key that has expired': async () => ({ 'x-api-key': 'old' }),
  'a token with the algorithm none': bearer(() => unsigned('none')),
  'a token with the algorithm nOnE': bearer(() => unsigned('nOnE')),
  'a token signed with the public key as a secret': bearer(signedWithPublicKey),
  'a token that has expired': bearer(() => issuer.token({ exp: inSeconds(-60) })),
  'a token that is not valid yet': bearer(() => issuer.token({ nbf: inSeconds(90) })),
  'a token of another issuer': bearer(() => issuer.token({ iss: 'https://evil.example' })),
  'a token for another audience': bearer(() => issuer.token({ aud: 'other' })),
  'a token of a key that nobody has': bearer(() => issuer.token({}, { kid: 'random' })),
  'a bad token and a good API key': async () => ({ authorization: unsigned('none'), 'x-api-key': 'app' }),
  'a good token in another scheme': async () => ({ authorization: `Basic ${await issuer.token()}` }),
  'the signature of another body': signed(({ body }) => ({ body: `${body} ` })),
  'the signature of another path': signed(({ path }) => ({ path: path.replace('/graphql', '/admin') })),
  'the signature of another query string': signed(({ path }) => ({
    path: `${path}${path.includes('?') ? '&' : '?'}a=1`,
  })),
  'the signature of another header': signed(() => ({ type: 'text/plain' })),
};

it.each(Object.keys(bad))(
  'refuses who sends %s with 401, by every way, and calls no subgraph',
  async (name) => {
    for (const way of ways) {
      const { status, answer } = await send(way, whole, bad[name]!);
      expect({ way: way.name, status, answer }).toEqual({
        way: way.name,
        status: 401,
        answer: { errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }] },
      });
    }
    expect(accounts.requests).toEqual([]);
  },
);

/** By where it stands: an operation, the paths that are refused to an application, and a word that is never asked. */
const positions: Record<string, readonly [string, string[], RegExp]> = {
  'a field': [whole, ['user.email'], /email/],
  'an interface': ['{ node { __typename id } user { name } }', ['node'], /node/],
  'a union': ['{ found { __typename ... on User { name } ... on Secret { text } } }', ['found.1'], /text/],
  'an inline fragment': ['{ found { ... on User { name ... { mail: email } } } }', ['found.0.mail'], /email/],
  'a fragment': [
    '{ user { ...F } } fragment F on Node { ... on User { name email } }',
    ['user.email'],
    /email/,
  ],
  'an alias of something harmless': ['{ user { id: email name } }', ['user.id'], /email/],
  '@requires': ['{ user { name postage } }', ['user.postage'], /weight|postage/],
  'a mutation': ['mutation { erase touch }', ['erase'], /erase/],
};

it.each(Object.keys(positions))(
  'refuses what stands in %s with UNAUTHORIZED_FIELD_OR_TYPE, by every way, and asks no subgraph for it',
  async (name) => {
    const [query, paths, word] = positions[name]!;
    for (const way of ways) {
      // There, mutations are refused altogether.
      if (way.name === 'GET' && name === 'a mutation') continue;
      const { status, answer } = await send(way, query, good['an API key']!);
      const refused = (answer.errors as Json[]).filter(
        ({ extensions }) => extensions.code === 'UNAUTHORIZED_FIELD_OR_TYPE',
      );
      expect({ way: way.name, status, paths: refused.map(({ path }) => path.join('.')) }).toEqual({
        way: way.name,
        status: 200,
        paths: expect.arrayContaining(paths),
      });
      expect(refused).toHaveLength((answer.errors as Json[]).length);
    }
    const asked = [...accounts.requests, ...orders.requests].map(({ body }) => JSON.stringify(body));
    expect(asked.filter((text) => word.test(text))).toEqual([]);
  },
);

it('passes on no header that a client has named in `Connection`', async () => {
  const { status } = await raw({ 'x-api-key': 'app', 'x-tenant': 't1', connection: 'close' });
  expect(status).toBe(200);
  expect(accounts.requests[0]!.headers['x-tenant']).toBe('t1');
  accounts.requests.length = 0;

  await raw({ 'x-api-key': 'app', 'x-tenant': 't1', connection: 'close, x-tenant' });
  expect(accounts.requests).toHaveLength(1);
  expect(accounts.requests[0]!.headers['x-tenant']).toBeUndefined();
});

/** `fetch` would not send such headers. */
function raw(headers: Record<string, string>): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      gateway.url,
      { method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        response.resume().on('end', () => resolve({ status: response.statusCode! }));
      },
    );
    request.on('error', reject);
    request.end(JSON.stringify({ query: '{ user { id } }' }));
  });
}
