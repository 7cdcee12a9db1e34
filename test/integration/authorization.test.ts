/** What callers may not see. Over 300 lines: all ways to refuse meet one graph. */
import { createServer, type Server } from 'node:http';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { ApolloServer } from '@apollo/server';
import { type GatewayOptions, OptionsError } from '../../gateway';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [
  "@key", "@external", "@requires", "@shareable", "@policy",
  { name: "@authenticated", as: "@signedIn" }, { name: "@requiresScopes", as: "@needs" }])`;

let accounts: TestSubgraph;
let orders: TestSubgraph;
let supergraphSdl: string;
const apollo = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');

beforeAll(async () => {
  accounts = await startSubgraph({
    name: 'accounts',
    typeDefs: `${link}
      type Query { user: User  node: Node  found: [Found]  all: [Node!] }
      type Mutation { erase(id: ID!): Int @needs(scopes: [["admin"], ["write", "users"]])  touch: Int }
      interface Node { id: ID! }
      union Found = User | Secret
      type User implements Node @key(fields: "id") {
        id: ID!  name: String!  email: String @signedIn  weight: Int @needs(scopes: [["read"]])
      }
      type Secret implements Node @policy(policies: [["staff"]]) { id: ID!  text: String! }`,
    resolvers: {
      Query: {
        user: () => ada,
        node: () => ({ __typename: 'Secret', id: 's1', text: 'hush' }),
        found: () => [
          { __typename: 'User', ...ada },
          { __typename: 'Secret', id: 's1', text: 'hush' },
        ],
        all: () => [{ __typename: 'User', ...ada }],
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
        orders: [Order!]! @signedIn
        postage: Int @requires(fields: "weight") @needs(scopes: [["read"]])
      }
      type Order { total: Int! }`,
    resolvers: {
      User: { orders: () => [{ total: 7 }], postage: ({ weight }: { weight: number }) => weight * 2 },
    },
  });
  supergraphSdl = compose([accounts, orders]);
});

afterAll(async () => {
  await accounts.close();
  await orders.close();
});

const ada = { id: 'u1', name: 'Ada', email: 'ada@example.org', weight: 3 };

const key = (client: string, scopes: readonly string[] = []) => ({
  client,
  scopes: [...scopes],
  sha256: createHash('sha256').update(client).digest('hex'),
});

const auth = {
  anonymous: true,
  apiKeys: [key('reader', ['read']), key('admin', ['admin']), key('half', ['write'])],
};

let gateway: TestGateway;

async function start(options: GatewayOptions = {}): Promise<void> {
  gateway = await startTestGateway({ supergraph: sourceOf(supergraphSdl), auth, ...options });
  apollo.mockClear();
}

beforeEach(() => {
  accounts.requests.length = orders.requests.length = 0;
});
afterEach(() => gateway.stop());

async function ask(query: string, as?: string): Promise<Json> {
  const headers = as === undefined ? {} : { 'x-api-key': as };
  return (await gateway.post({ query }, { headers })).json();
}

const asked = (): string =>
  [...accounts.requests, ...orders.requests].map(({ body }) => JSON.stringify(body)).join('\n');

const refusal = (...path: (string | number)[]) => expect.objectContaining({ path, extensions: { code } });
const code = 'UNAUTHORIZED_FIELD_OR_TYPE';

describe('a field that the caller may not see', () => {
  beforeEach(() => start());

  it('is null with an error, is asked of no subgraph, and its siblings are there, by either way through the gateway', async () => {
    const query = '{ user { name mail: email weight postage } }';
    const expected = {
      data: { user: { name: 'Ada', mail: null, weight: null, postage: null } },
      errors: ['mail', 'weight', 'postage'].map((field) => refusal('user', field)),
    };
    expect(await ask(query)).toEqual(expected);
    expect(await ask(query)).toEqual(expected);
    expect(apollo).toHaveBeenCalledTimes(1);
    expect(asked()).not.toMatch(/email|weight|postage/);
    expect(orders.requests).toEqual([]);
  });

  it('is there for who has the scope, and neither gets what is meant for the other', async () => {
    const query = '{ user { weight postage } }';
    const seen = { data: { user: { weight: 3, postage: 6 } } };
    const hidden = { user: { weight: null, postage: null } };
    for (let turn = 0; turn < 3; turn++) {
      expect(await ask(query, 'reader')).toEqual(seen);
      expect((await ask(query)).data).toEqual(hidden);
      expect((await ask(query, 'admin')).data).toEqual(hidden);
    }
    const mixed = await Promise.all(
      Array.from({ length: 60 }, (_, i) => ask(query, [undefined, 'reader', 'admin'][i % 3])),
    );
    mixed.forEach(({ data }, i) => expect(data).toEqual(i % 3 === 1 ? seen.data : hidden));
    expect(apollo.mock.calls.length).toBeLessThan(10);
  });

  it('takes what may not be null with it, as far as the specification says', async () => {
    expect(await ask('{ user { name orders { total } } }')).toEqual({
      data: { user: null },
      errors: [refusal('user', 'orders')],
    });
    expect(orders.requests).toEqual([]);
  });

  it('is no matter where a condition leaves it out', async () => {
    const body = {
      query: 'query ($v: Boolean!) { user { name email @include(if: $v) } }',
      variables: { v: false },
    };
    expect(await (await gateway.post(body)).json()).toEqual({ data: { user: { name: 'Ada' } } });
  });
});

describe('with `refused: reject`', () => {
  beforeEach(() => start({ authorization: { refused: 'reject' } }));

  it('nothing is answered, by either way', async () => {
    for (const query of [
      '{ user { name email orders { total } } }',
      '{ user { name email orders { total } } }',
    ]) {
      const response = await gateway.post({ query });
      expect(response.status).toBe(403);
      expect(await response.json()).toEqual({
        errors: [{ message: 'The caller may not see User.email, User.orders.', extensions: { code } }],
      });
    }
    expect(asked()).toBe('');
    expect(apollo).toHaveBeenCalledTimes(1);
    expect(await ask('{ user { name } }')).toEqual({ data: { user: { name: 'Ada' } } });
  });
});

describe('what a Lambda authoriser denies', () => {
  const authoriser = ({ authorizationToken }: Json) => ({
    isAuthorized: true,
    resolverContext: { sub: authorizationToken },
    deniedFields:
      authorizationToken === 'less'
        ? ['User.name', 'arn:aws:appsync:eu-west-1:111122223333:apis/abc/types/Mutation/fields/touch']
        : [],
    ttlOverride: 60,
  });
  const as = async (token: string, query: string): Promise<Json> =>
    (await gateway.post({ query }, { headers: { authorization: token } })).json();

  it('is refused as if a directive said so, and to nobody else', async () => {
    await start({ auth: { lambda: { module: authoriser } } });
    for (let turn = 0; turn < 3; turn++) {
      expect(await as('all', '{ user { id name } }')).toEqual({ data: { user: { id: 'u1', name: 'Ada' } } });
      accounts.requests.length = 0;
      expect(await as('less', '{ user { id name } }')).toEqual({
        data: { user: null },
        errors: [refusal('user', 'name')],
      });
      expect(asked()).not.toContain('name');
    }
    accounts.requests.length = 0;
    expect((await as('less', 'mutation { touch }')).data).toEqual({ touch: null });
    expect(asked()).toBe('');
    expect((await as('all', 'mutation { touch }')).data).toEqual({ touch: 2 });
  });
});

describe('an answer that is kept for everybody', () => {
  it('is for those who may see it', async () => {
    await start({
      auth: {
        ...auth,
        lambda: {
          module: ({ authorizationToken }: Json) => ({
            isAuthorized: true,
            deniedFields: [authorizationToken],
          }),
        },
      },
    });
    const data: Json = { user: { __typename: 'User', id: 'u1', name: 'Ada', weight: 3 } };
    accounts.answer = (_, response) => {
      response.setHeader('cache-control', 'public, max-age=60');
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ data }));
    };
    try {
      for (const query of ['{ user { weight } }', '{ user { name } }']) {
        const isOpen = query.includes('name');
        for (let turn = 0; turn < 3; turn++) {
          expect(await ask(query, 'reader')).toEqual({
            data: { user: isOpen ? { name: 'Ada' } : { weight: 3 } },
          });
          expect((await ask(query)).data).toEqual({ user: isOpen ? { name: 'Ada' } : { weight: null } });
          const denied = await gateway.post(
            { query },
            { headers: { authorization: isOpen ? 'User.name' : 'User.weight' } },
          );
          expect(((await denied.json()) as Json).errors).toHaveLength(1);
        }
      }
      const hit = await gateway.post(
        { query: '{ user { weight } }' },
        { headers: { 'x-api-key': 'reader' } },
      );
      expect(hit.headers.get('x-cache')).toBe('HIT');
    } finally {
      accounts.answer = undefined;
    }
  });
});

describe('introspection', () => {
  const query =
    '{ __schema { types { name } mutationType { fields { name } } } user: __type(name: "User") { fields { name } interfaces { name } } secret: __type(name: "Secret") { name } found: __type(name: "Found") { possibleTypes { name } } }';
  const namesOf = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);

  it('shows all of the schema by default', async () => {
    await start({ introspection: true });
    const { data } = await ask(query);
    expect(namesOf(data.user.fields)).toContain('email');
    expect(data.secret).toEqual({ name: 'Secret' });
  });

  it('shows what the caller may see, where that is wanted', async () => {
    await start({ introspection: true, authorization: { introspection: 'visible' } });
    for (let turn = 0; turn < 2; turn++) {
      const nobody = (await ask(query)).data;
      expect(namesOf(nobody.user.fields)).toEqual(['id', 'name']);
      expect(nobody.user.interfaces).toEqual([]);
      expect(nobody.secret).toBeNull();
      expect(namesOf(nobody.found.possibleTypes)).toEqual(['User']);
      expect(namesOf(nobody.__schema.mutationType.fields)).toEqual(['touch']);
      expect(namesOf(nobody.__schema.types)).not.toContain('Order');
      const reader = (await ask(query, 'reader')).data;
      expect(namesOf(reader.user.fields)).toEqual(['id', 'name', 'weight', 'postage']);
    }
  });
});

describe('policies', () => {
  const query = '{ found { ... on Secret { text } } }';
  const seen = { data: { found: [{}, { text: 'hush' }] } };
  let server: Server;
  let requests: Json[];
  let answer: (body: Json) => { readonly status?: number; readonly body: string };

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const body = JSON.parse(text);
        requests.push({ headers: request.headers, body });
        const { status = 200, body: answered } = answer(body);
        response.writeHead(status, { 'content-type': 'application/json' }).end(answered);
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(() => void server.close());
  beforeEach(() => {
    requests = [];
    answer = ({ identity }) => ({
      body: JSON.stringify({ policies: { staff: identity.client === 'admin' } }),
    });
  });

  const overHttp = (more: object = {}): GatewayOptions => ({
    authorization: {
      policies: {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
        headers: { authorization: 'Bearer gateway' },
        ...more,
      },
    },
  });

  it('are asked of an endpoint, once for each caller', async () => {
    await start(overHttp());
    for (let turn = 0; turn < 3; turn++) {
      expect(await ask(query, 'admin')).toEqual(seen);
      expect((await ask(query, 'reader')).data.found[1]).toBeNull();
    }
    expect(requests).toHaveLength(2);
    expect(requests[0]).toMatchObject({
      headers: { authorization: 'Bearer gateway' },
      body: { policies: ['staff'], identity: { mode: 'api-key', client: 'admin', scopes: ['admin'] } },
    });
    expect(Object.keys(requests[0].body.identity).sort()).toEqual([
      'claims',
      'client',
      'groups',
      'mode',
      'scopes',
    ]);
  });

  it('are asked of a module', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'policies-')), 'policies.cjs');
    writeFileSync(file, "module.exports = (policies, { client }) => ({ staff: client === 'admin' });");
    await start({ authorization: { policies: { module: file } } });
    expect(await ask(query, 'admin')).toEqual(seen);
    expect((await ask(query)).data.found[1]).toBeNull();
  });

  it('are never met where nobody is asked, which the log says', async () => {
    await start();
    expect((await ask(query, 'admin')).data.found[1]).toBeNull();
    expect(gateway.log.some(({ msg }) => /`authorization.policies` is not set/.test(msg))).toBe(true);
  });

  it.each([
    ['/nowhere/policies.mjs', /cannot be used/],
    [join(__dirname, '../long-suites.cjs'), /must have a function as its default export/],
  ])('need a module that can be used: %s', async (module, problem) => {
    await start();
    await expect(
      startTestGateway({ supergraph: sourceOf(supergraphSdl), authorization: { policies: { module } } }),
    ).rejects.toThrow(problem);
    await expect(
      startTestGateway({ supergraph: sourceOf(supergraphSdl), authorization: { policies: { module } } }),
    ).rejects.toThrow(OptionsError);
  });
});

it('decides by the supergraph that is live, also for operations that were planned before', async () => {
  const source = sourceOf(supergraphSdl);
  await start({ supergraph: source });
  const query = '{ user { name email } }';
  for (let turn = 0; turn < 2; turn++)
    expect((await ask(query)).data).toEqual({ user: { name: 'Ada', email: null } });
  source.report(
    supergraphSdl.replace(/(email: String .*) @signedIn/, '$1').replace(/(name: String! .*)/, '$1 @signedIn'),
  );
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const { data } = await ask(query);
    if (data.user === null) break;
    expect(data).toEqual({ user: { name: 'Ada', email: null } });
  }
  accounts.requests.length = 0;
  expect(await ask(query)).toEqual({ data: { user: null }, errors: [refusal('user', 'name')] });
  expect(asked()).not.toContain('name');
});
