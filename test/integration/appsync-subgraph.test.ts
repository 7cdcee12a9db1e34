/**
 * AppSync APIs as subgraphs: in each mode, root fields and entities, with credentials that expire meanwhile. Over 300
 * lines: an API with each kind of credentials.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';
import type { GatewayOptions } from '../../gateway';
import { composeSupergraph } from '../../schema';
import { type AppSyncCredentials, type AppSyncMode } from '../../kit/appsync/credentials';
import { type AppSyncCall, ResolverError, startAppSyncStandIn } from '../../kit/appsync/stand-in';
import { type Json, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type RunningServer, serveHttp1 } from '../support/subgraph-servers';

const stockSchema = `
schema { query: Query mutation: Mutation }
type Query {
  warehouse: String @aws_api_key @aws_iam @aws_oidc @aws_cognito_user_pools @aws_lambda
  broken: String
  slow: String
  echo(text: AWSJSON): AWSJSON
  _service: _Service!
  _entities(representations: [_Any!]!): [_Entity]!
}
type Mutation { count(upc: ID!): Int }
type Product @key(fields: "upc") @aws_api_key @aws_iam @extends {
  upc: ID! @external
  weight: Int @external
  inStock: Int
  shipping: Int @requires(fields: "weight")
  countedAt: AWSDateTime
}
union _Entity = Product
type _Service { sdl: String }
input _Any { __typename: String! upc: ID weight: Int }
`;
const productsSchema = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { products: [Product] }
type Product @key(fields: "upc") { upc: ID! name: String weight: Int }`;

let products: RunningServer;
const running: { stop(): Promise<unknown> }[] = [];
beforeAll(async () => {
  const schema = buildSubgraphSchema({
    typeDefs: parse(productsSchema),
    resolvers: {
      Query: {
        products: () => ['p1', 'p2', 'p3'].map((upc) => ({ upc, name: `name of ${upc}`, weight: 10 })),
      },
      Product: {
        __resolveReference: ({ upc }: { upc: string }) => ({ upc, name: `name of ${upc}`, weight: 10 }),
      },
    },
  });
  products = await serveHttp1((_request, response, body) => {
    const { query, variables } = JSON.parse(body.toString());
    void graphql({ schema, source: query, variableValues: variables }).then((result) =>
      response.end(JSON.stringify(result)),
    );
  });
  running.push(products);
});
afterEach(async () => {
  for (const each of running.splice(1).reverse()) await each.stop();
});
afterAll(() => products.stop());

const start = async <Of extends { stop(): Promise<unknown> }>(starting: Promise<Of>): Promise<Of> => {
  const started = await starting;
  running.push(started);
  return started;
};

const resolvers = {
  'Query.warehouse': () => 'Rotterdam',
  'Query.broken': () => {
    throw new ResolverError('There is no stock list.', 'DynamoDB:ResourceNotFoundException');
  },
  'Query.slow': () => new Promise((resolve) => setTimeout(resolve, 60_000).unref()),
  'Query.echo': (_: unknown, { text }: { text: unknown }) => text,
  'Query._entities': (_: unknown, { representations }: { representations: Json[] }) =>
    representations.map((each) => ({ ...each, inStock: 3, countedAt: '2026-11-25T09:00:00.000Z' })),
  'Product.shipping': ({ weight }: { weight: number }) => weight * 2,
};

/** What the API was asked, and what it told those that it refused. */
interface Asked {
  readonly calls: AppSyncCall[];
  readonly refusals: string[];
}

async function startGraph(
  modes: readonly AppSyncMode[],
  appsync: NonNullable<NonNullable<GatewayOptions['subgraphs']>[string]['appsync']>,
  { cap, ...options }: Partial<GatewayOptions> & { cap?: number } = {},
): Promise<{ api: Asked; gateway: TestGateway }> {
  const api: Asked = { calls: [], refusals: [] };
  const { url } = await start(
    startAppSyncStandIn({
      schema: stockSchema,
      modes,
      resolvers,
      ...(cap && { cap }),
      onCall: (call) => api.calls.push(call),
      onRefusal: (message) => api.refusals.push(message),
    }),
  );
  const { supergraphSdl, errors } = composeSupergraph({
    subgraphs: [
      { name: 'products', routingUrl: products.url, sdl: productsSchema, file: 'products.graphql' },
      { name: 'stock', routingUrl: url, sdl: stockSchema, file: 'stock.graphql' },
    ],
  });
  if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));
  const source = { start: async () => supergraphSdl, stop: async () => undefined };
  const gateway = await start(
    startTestGateway({ supergraph: source, subgraphs: { stock: { appsync } }, ...options }),
  );
  return { api, gateway };
}

const spanning = '{ warehouse products { name inStock shipping countedAt } }';
const product = (upc: string) => ({
  name: `name of ${upc}`,
  inStock: 3,
  shipping: 20,
  countedAt: '2026-11-25T09:00:00.000Z',
});
const whole = { data: { warehouse: 'Rotterdam', products: ['p1', 'p2', 'p3'].map(product) } };

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuer = 'https://issuer.test/';
function tokenFor(lifetime: number): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'RS256' })}.${encode({ iss: issuer, sub: 'u1', exp: Math.floor(Date.now() / 1000) + lifetime })}`;
  return `${text}.${sign('sha256', Buffer.from(text), keys.privateKey).toString('base64url')}`;
}
const jwtMode = (type: 'OPENID_CONNECT' | 'AMAZON_COGNITO_USER_POOLS'): AppSyncMode => ({
  type,
  issuer,
  publicKey: keys.publicKey,
});

describe('an AppSync API answers root fields and entities through the gateway', () => {
  it('with an API key, and gets no credentials of clients', async () => {
    const { api, gateway } = await startGraph([{ type: 'API_KEY', keys: new Set(['da2-key']) }], {
      auth: { type: 'API_KEY', apiKey: 'da2-key' },
    });
    const answer = await gateway.post(
      { query: spanning },
      { headers: { authorization: 'Bearer of-the-client' } },
    );
    expect(await answer.json()).toEqual(whole);
    expect(api.refusals).toEqual([]);
    for (const { headers } of api.calls) expect(headers.authorization).toBeUndefined();
  });

  it.each(['OPENID_CONNECT', 'AMAZON_COGNITO_USER_POOLS'] as const)(
    'with a token of %s that is configured',
    async (type) => {
      const { api, gateway } = await startGraph([jwtMode(type)], { auth: { type, jwtToken: tokenFor(60) } });
      expect(await gateway.query(spanning)).toEqual(whole);
      expect(api.refusals).toEqual([]);
    },
  );

  it('with the token of the client, without "Bearer"', async () => {
    const { api, gateway } = await startGraph([jwtMode('OPENID_CONNECT')], {
      auth: { type: 'OPENID_CONNECT' },
    });
    const authorization = `Bearer ${tokenFor(60)}`;
    expect(await (await gateway.post({ query: spanning }, { headers: { authorization } })).json()).toEqual(
      whole,
    );
    expect(api.calls[0]!.headers.authorization).toBe(authorization.slice('Bearer '.length));
    const refused = await gateway.query('{ warehouse }');
    expect(refused).toMatchObject({
      data: { warehouse: null },
      errors: [{ extensions: { code: 'UnauthorizedException' } }],
    });
  });

  it('with a token for a Lambda authoriser', async () => {
    const isAuthorized = (token: string) => token === 'let me in';
    const { api, gateway } = await startGraph([{ type: 'AWS_LAMBDA', isAuthorized }], {
      auth: { type: 'AWS_LAMBDA', token: 'let me in' },
    });
    expect(await gateway.query(spanning)).toEqual(whole);
    expect(api.refusals).toEqual([]);
  });

  it('with the signatures of IAM', async () => {
    const source = await startCredentialSource();
    const { api, gateway } = await startGraph(
      [{ type: 'AWS_IAM', region: 'eu-west-1', known: source.known }],
      { auth: { type: 'AWS_IAM', region: 'eu-west-1' } },
    );
    expect(await gateway.query(spanning)).toEqual(whole);
    const text = '"é\\u0000 \\" 💶"';
    expect(await gateway.query('query ($text: AWSJSON) { echo(text: $text) }', { text })).toEqual({
      data: { echo: text },
    });
    expect(api.refusals).toEqual([]);
    expect(source.fetches).toBe(1);
  });
});

describe('credentials', () => {
  it('of IAM are fetched once, and anew while requests go on, none of which fails', async () => {
    const source = await startCredentialSource(2_000);
    const { api, gateway } = await startGraph(
      [{ type: 'AWS_IAM', region: 'eu-west-1', known: source.known }],
      { auth: { type: 'AWS_IAM', region: 'eu-west-1' } },
      { calls: { dedupe: false } },
    );
    const answers: unknown[] = [];
    while (source.fetches < 3)
      answers.push(...(await Promise.all(Array.from({ length: 5 }, () => gateway.query(spanning)))));
    for (const answer of answers) expect(answer).toEqual(whole);
    expect(answers.length).toBeGreaterThan(20);
    expect(api.refusals).toEqual([]);
  });

  it('of a client are exchanged for a token, which is fetched once, and anew while requests go on', async () => {
    let fetches = 0;
    const issuerServer = await start(
      serveHttp1((request, response, body) => {
        fetches++;
        const basic = `Basic ${Buffer.from('weir:se%2Fcret').toString('base64')}`;
        const isRight =
          request.headers.authorization === basic &&
          body.toString() === 'grant_type=client_credentials&scope=stock%3Aread';
        response.writeHead(isRight ? 200 : 401);
        response.end(JSON.stringify({ access_token: tokenFor(8), expires_in: 2, token_type: 'Bearer' }));
      }),
    );
    const jwtToken = {
      tokenUrl: issuerServer.url,
      clientId: 'weir',
      clientSecret: 'se/cret',
      scopes: ['stock:read'],
    };
    const { api, gateway } = await startGraph(
      [jwtMode('OPENID_CONNECT')],
      { auth: { type: 'OPENID_CONNECT', jwtToken } },
      { calls: { dedupe: false } },
    );
    const answers: unknown[] = [];
    while (fetches < 3)
      answers.push(...(await Promise.all(Array.from({ length: 5 }, () => gateway.query(spanning)))));
    for (const answer of answers) expect(answer).toEqual(whole);
    expect(answers.length).toBeGreaterThan(20);
    expect(api.refusals).toEqual([]);
  });

  it('that cannot be had fail the fields of this subgraph alone, and show nobody why', async () => {
    const { gateway } = await startGraph([jwtMode('OPENID_CONNECT')], {
      auth: {
        type: 'OPENID_CONNECT',
        jwtToken: { tokenUrl: 'http://127.0.0.1:9/token', clientId: 'weir', clientSecret: 'secret' },
      },
    });
    const answer = await gateway.query('{ warehouse products { name } }');
    expect(answer.data).toEqual({
      warehouse: null,
      products: ['p1', 'p2', 'p3'].map((upc) => ({ name: `name of ${upc}` })),
    });
    expect(answer.errors).toMatchObject([
      {
        message: 'Subgraph "stock" was not called: there is nothing to sign the call with.',
        extensions: { code: 'SUBREQUEST_HTTP_ERROR' },
      },
    ]);
    expect(gateway.log.find(({ subgraph }) => subgraph === 'stock').err.message).toContain('ECONNREFUSED');
  });
});

describe('what AppSync does its own way', () => {
  const modes: AppSyncMode[] = [{ type: 'API_KEY', keys: new Set(['k']) }];
  const auth = { type: 'API_KEY', apiKey: 'k' } as const;

  it('is told in its words: errorType is the code', async () => {
    const { gateway } = await startGraph(modes, { auth });
    expect(await gateway.query('{ warehouse broken }')).toEqual({
      data: { warehouse: 'Rotterdam', broken: null },
      errors: [
        expect.objectContaining({
          message: 'There is no stock list.',
          path: ['broken'],
          extensions: { code: 'DynamoDB:ResourceNotFoundException', service: 'stock' },
        }),
      ],
    });
  });

  it('asks for all entities of a fetch in one list, with the fields of `_Any` alone', async () => {
    const { api, gateway } = await startGraph(modes, { auth });
    await gateway.query(spanning);
    const entityCalls = api.calls.filter(({ query }) => query.includes('_entities'));
    expect(entityCalls).toHaveLength(1);
    expect(entityCalls[0]!.variables).toEqual({
      representations: ['p1', 'p2', 'p3'].map((upc) => ({ __typename: 'Product', upc, weight: 10 })),
    });
  });

  it('asks in one request what several places of an operation want to know of entities', async () => {
    const { api, gateway } = await startGraph(modes, { auth });
    const answer = await gateway.query(
      '{ all: products { name inStock } more: products { shipping countedAt } }',
    );
    expect(answer).toEqual({
      data: {
        all: ['p1', 'p2', 'p3'].map((upc) => ({ name: `name of ${upc}`, inStock: 3 })),
        more: ['p1', 'p2', 'p3'].map(() => ({ shipping: 20, countedAt: '2026-11-25T09:00:00.000Z' })),
      },
    });
    const entityCalls = api.calls.filter(({ query }) => query.includes('_entities'));
    expect(entityCalls).toHaveLength(1);
    // A list for each selection: each list is one call of the resolver.
    const lists = Object.values(entityCalls[0]!.variables as Record<string, Json[]>);
    expect(lists.map((list) => list.map(({ upc }) => upc))).toEqual([
      ['p1', 'p2', 'p3'],
      ['p1', 'p2', 'p3'],
    ]);
    expect(api.refusals).toEqual([]);
  });

  it('ends what takes too long, and says so', async () => {
    const { gateway } = await startGraph(modes, { auth }, { cap: 50 });
    expect(await gateway.query('{ slow }')).toMatchObject({
      data: { slow: null },
      errors: [{ extensions: { code: 'ExecutionTimeout' } }],
    });
  });
});

/** What hands out credentials in a container, as the AWS SDK asks for them. */
async function startCredentialSource(lifetime = 3_600_000) {
  const known = new Map<string, AppSyncCredentials>();
  const state = { fetches: 0, known };
  const server = await start(
    serveHttp1((_request, response) => {
      state.fetches++;
      const AccessKeyId = `ASIA${state.fetches}`;
      const SecretAccessKey = `secret ${state.fetches}`;
      const Token = `session ${state.fetches}`;
      const expires = Date.now() + lifetime;
      known.set(AccessKeyId, { secretAccessKey: SecretAccessKey, sessionToken: Token, expires });
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ AccessKeyId, SecretAccessKey, Token, Expiration: new Date(expires).toISOString() }),
      );
    }),
  );
  process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = server.url;
  return state;
}

const before = { ...process.env };
beforeAll(() => {
  const others = Object.entries(before).filter(([name]) => !name.startsWith('AWS_'));
  process.env = {
    ...Object.fromEntries(others),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_CONFIG_FILE: '/dev/null',
  };
});
afterAll(() => {
  process.env = before;
});
