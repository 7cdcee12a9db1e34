/** AppSync APIs that know nothing of Federation, joined by an overlay: calls and subscriptions, in each mode. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppSyncAuth } from '../../gateway/options/subgraph-auth';
import type { AppSyncMode } from '../../kit/appsync/credentials';
import { type AppSyncCall, ResolverError, startAppSyncStandIn } from '../../kit/appsync/stand-in';
import { composeFile } from '../../schema';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';
import { openWebSocket } from '../support/web-socket-client';

const ordersSchema = `
schema { query: Query mutation: Mutation subscription: Subscription }
type Query {
  getOrder(id: ID!): Order @aws_api_key @aws_iam @aws_oidc @aws_lambda
  listOrders(customerId: ID!, limit: Int, nextToken: String): OrderConnection
}
type Mutation { placeOrder(customerId: ID!): Order }
type Subscription { onPlaceOrder(customerId: ID): Order @aws_subscribe(mutations: ["placeOrder"]) }
type OrderConnection { items: [Order] nextToken: String }
type Order @aws_api_key @aws_iam @aws_oidc @aws_lambda {
  id: ID!
  customerId: ID!
  previousId: ID
  placedAt: AWSDateTime!
  address: AWSJSON
  total: Float
}
`;
const ordersOverlay = `
extend type Query { getOrder(id: ID!): Order @lookup }
extend type Order {
  customer: Customer @derive @is(field: "{ id: customerId }")
  previous: Order @derive @is(field: "{ id: previousId }")
}
type Customer {
  id: ID!
  orders(customerId: ID! @require(field: "id"), limit: Int): OrderConnection @from(field: "listOrders")
}
`;
const placedAt = '2026-11-25T09:00:00.000Z';
const orderOf = (id: string) => ({
  ...{
    id,
    customerId: `c${Number(id) % 2}`,
    previousId: id === '1' ? null : String(Number(id) - 1),
    placedAt,
  },
  ...{ address: '{"town":"Lyon"}', total: 9.5 },
});
const resolvers = {
  'Query.getOrder': (_: unknown, { id }: { id: string }) => {
    if (id === '9') throw new ResolverError('There is no table.', 'DynamoDB:ResourceNotFoundException');
    return Number(id) > 5 ? null : orderOf(id);
  },
  'Query.listOrders': (_: unknown, { customerId, limit }: { customerId: string; limit?: number }) => ({
    items: ['1', '2', '3', '4']
      .map(orderOf)
      .filter((each) => each.customerId === customerId)
      .slice(0, limit ?? 10),
  }),
  'Mutation.placeOrder': () => orderOf('5'),
};

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuer = 'https://issuer.test/';
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const unsigned = `${encode({ alg: 'RS256' })}.${encode({ iss: issuer, exp: 4_000_000_000 })}`;
const token = `${unsigned}.${sign('sha256', Buffer.from(unsigned), keys.privateKey).toString('base64url')}`;
const known = new Map([['AKIDKNOWN', { secretAccessKey: 'secret' }]]);
const region = 'eu-west-1';
const modes: [name: string, AppSyncAuth, AppSyncMode, Record<string, string>][] = [
  ['an API key', { type: 'API_KEY', apiKey: 'da2-key' }, { type: 'API_KEY', keys: new Set(['da2-key']) }, {}],
  ['signatures of IAM', { type: 'AWS_IAM', region }, { type: 'AWS_IAM', region, known }, {}],
  [
    'a token of its own',
    { type: 'OPENID_CONNECT', jwtToken: token },
    { type: 'OPENID_CONNECT', issuer, publicKey: keys.publicKey },
    {},
  ],
  [
    'the token of the client',
    { type: 'OPENID_CONNECT' },
    { type: 'OPENID_CONNECT', issuer, publicKey: keys.publicKey },
    { authorization: `Bearer ${token}` },
  ],
  [
    'a token for a Lambda authoriser',
    { type: 'AWS_LAMBDA', token: 'ours' },
    { type: 'AWS_LAMBDA', isAuthorized: (text) => text === 'ours' },
    {},
  ],
];
const [[, withKey, keyMode]] = modes as [(typeof modes)[0]];

let customers: TestSubgraph;
const running: { stop(): Promise<unknown> }[] = [];
const before = { ...process.env };
beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDKNOWN', AWS_SECRET_ACCESS_KEY: 'secret' });
  customers = await startSubgraph({
    name: 'customers',
    typeDefs:
      'type Query { customers: [Customer!]! } type Customer @key(fields: "id") { id: ID! name: String! }',
    resolvers: {
      Query: { customers: () => ['c0', 'c1'].map((id) => ({ id, name: `Customer ${id}` })) },
      Customer: { __resolveReference: ({ id }: Json) => ({ id, name: `Customer ${id}` }) },
    },
  });
});
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
});
afterAll(async () => {
  process.env = before;
  await customers.close();
  rmSync(folder, { recursive: true });
});

async function startGraph(auth: AppSyncAuth, mode: AppSyncMode) {
  const calls: AppSyncCall[] = [];
  const refusals: string[] = [];
  const api = await startAppSyncStandIn({
    ...{ schema: ordersSchema, modes: [mode], resolvers },
    onCall: (call) => calls.push(call),
    onRefusal: (message) => refusals.push(message),
  });
  running.push(api);
  const file = join(folder, 'supergraph.yaml');
  writeFileSync(join(folder, 'orders.graphql'), ordersSchema);
  writeFileSync(join(folder, 'orders.join.graphql'), ordersOverlay);
  writeFileSync(
    file,
    `subgraphs:
  customers: { routing_url: "${customers.url}", schema: { subgraph_url: "${customers.url}" } }
  orders: { routing_url: "${api.url}", schema: { file: orders.graphql }, overlay: orders.join.graphql }
`,
  );
  const { supergraphSdl, errors } = await composeFile({ file });
  expect(errors).toBeUndefined();
  const gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    subgraphs: { orders: { appsync: { auth } } },
  });
  running.push(gateway);
  return { gateway, calls, refusals };
}

const post = async (gateway: TestGateway, query: string, headers: Record<string, string> = {}) =>
  (await gateway.post({ query }, { headers })).json() as Promise<Json>;

describe.each(modes)('an AppSync API that is called with %s', (_, auth, mode, headers) => {
  it('answers root fields, lookups and fields of entities', async () => {
    const { gateway, refusals } = await startGraph(auth, mode);
    const answer = await post(
      gateway,
      `{ getOrder(id: "2") { placedAt address customer { name } previous { id total } }
         customers { name orders(limit: 1) { items { id } } } }`,
      headers,
    );
    expect(answer).toEqual({
      data: {
        getOrder: {
          ...{ placedAt, address: '{"town":"Lyon"}', customer: { name: 'Customer c0' } },
          previous: { id: '1', total: 9.5 },
        },
        customers: [
          { name: 'Customer c0', orders: { items: [{ id: '2' }] } },
          { name: 'Customer c1', orders: { items: [{ id: '1' }] } },
        ],
      },
    });
    expect(refusals).toEqual([]);
  });

  it('sends its events, for which more may be called', async () => {
    const { gateway, refusals } = await startGraph(auth, mode);
    const client = await openWebSocket(gateway.url, ['graphql-transport-ws']);
    client.send({ type: 'connection_init', payload: headers });
    expect((await client.next()).type).toBe('connection_ack');
    const query = `subscription { onPlaceOrder(customerId: "c1") { id total previous { id total } customer { name } } }`;
    client.send({ id: '1', type: 'subscribe', payload: { query } });
    const next = client.next();
    // The gateway does not say when AppSync has accepted the subscription.
    const place = setInterval(
      () =>
        void post(
          gateway,
          'mutation { placeOrder(customerId: "c1") { id customerId previousId total } }',
          headers,
        ),
      100,
    );
    const message = await next.finally(() => clearInterval(place));
    client.socket.terminate();
    expect(message).toEqual({
      ...{ id: '1', type: 'next' },
      payload: {
        data: {
          onPlaceOrder: {
            ...{ id: '5', total: 9.5, previous: { id: '4', total: 9.5 } },
            customer: { name: 'Customer c1' },
          },
        },
      },
    });
    expect(refusals).toEqual([]);
  });
});

it('has the type of an error as its code, at the field, and leaves the other entities', async () => {
  const { gateway } = await startGraph(withKey, keyMode);
  const { data, errors } = await post(gateway, '{ a: getOrder(id: "9") { id } b: getOrder(id: "1") { id } }');
  expect(data).toEqual({ a: null, b: { id: '1' } });
  expect(errors).toEqual([
    expect.objectContaining({
      message: 'There is no table.',
      path: ['a'],
      extensions: { code: 'DynamoDB:ResourceNotFoundException', service: 'orders' },
    }),
  ]);
});

it('gets none of the credentials of clients, and refuses wrong ones with the reason', async () => {
  const { gateway, refusals, calls } = await startGraph({ type: 'API_KEY', apiKey: 'wrong' }, keyMode);
  const { data, errors } = await post(gateway, '{ getOrder(id: "1") { id } customers { name } }', {
    'x-api-key': 'da2-key',
    authorization: 'Bearer of-the-client',
  });
  expect(data).toEqual({ getOrder: null, customers: [{ name: 'Customer c0' }, { name: 'Customer c1' }] });
  expect(errors).toMatchObject([{ path: ['getOrder'], extensions: { code: 'UnauthorizedException' } }]);
  expect(refusals).toEqual(['You are not authorized to make this call.']);
  expect(calls).toEqual([]);
});
