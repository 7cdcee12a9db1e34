/** Subgraphs that get a token which is exchanged for that of the caller, for every way in and every protocol of subgraphs. */
import type { GatewayOptions } from '../../gateway';
import { composeSupergraph } from '../../schema';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { serveSubscriptions } from '../support/subscribed-subgraphs';
import { overEventStream, overWebSocket } from '../support/subscription-clients';
import { exchangedFor, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { waysIn } from '../support/ways-in';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
const auth = (): NonNullable<GatewayOptions['subgraphs']>[string]['auth'] => ({
  type: 'TOKEN_EXCHANGE',
  tokenUrl: endpoint.url,
  audience: 'orders',
  clientId: 'weir',
  clientSecret: 'secret',
});

let issuer: TokenIssuer;
let endpoint: TokenEndpoint;
let users: TestSubgraph;
let orders: TestSubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  [issuer, endpoint] = await Promise.all([startTokenIssuer(), startTokenEndpoint()]);
  users = await startSubgraph({
    name: 'users',
    typeDefs: `${link} type Query { me: User  total: Int } type User @key(fields: "id") { id: ID! }`,
    resolvers: { Query: { me: () => ({ id: 'u1' }), total: () => 7 } },
  });
  orders = await startSubgraph({
    name: 'orders',
    typeDefs: `${link} type Query { orders: [Int]  seen: String }
      type User @key(fields: "id") { id: ID!  count: Int }`,
    resolvers: {
      Query: { orders: () => [1], seen: (_: Json, _args: Json, headers: Json) => headers.authorization },
      User: { __resolveReference: ({ id }: Json) => ({ id, count: 3 }) },
    },
  });
  gateway = await start();
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([users.close(), orders.close(), issuer.close(), endpoint.stop()]);
});
beforeEach(() => {
  for (const { requests } of [users, orders, endpoint]) requests.length = 0;
});

const start = (more: Omit<GatewayOptions, 'supergraph'> = {}): Promise<TestGateway> =>
  startTestGateway({
    supergraph: sourceOf(compose([users, orders])),
    auth: { anonymous: true, oidc: [{ issuer: issuer.url, audience: 'shop' }] },
    subgraphs: { orders: { auth: auth() } },
    ...more,
  });
const bearer = async (sub: string) => ({ authorization: `Bearer ${await issuer.token({ sub })}` });
const exchangedOf = ({ authorization }: { authorization: string }) =>
  `Bearer ${exchangedFor(authorization, 'orders')}`;
const ask = async (query: string, headers: Record<string, string> = {}): Promise<Json> =>
  (await gateway.post({ query }, { headers })).json();
const sentTo = (subgraph: TestSubgraph) => subgraph.requests.map(({ headers }) => headers.authorization);

describe('a token that is exchanged', () => {
  it.each(waysIn.filter(({ name }) => name !== 'a batch'))('is sent for $name', async ({ request }) => {
    const headers = await bearer('ada');
    const sent = request(gateway.url, { query: '{ orders }' });
    sent.headers.set('authorization', headers.authorization);
    expect(await (await fetch(sent)).json()).toEqual({ data: { orders: [1] } });
    expect(sentTo(orders)).toEqual([exchangedOf(headers)]);
  });

  it('is sent for operations over a WebSocket and over an event stream', async () => {
    const { authorization } = await bearer('bea');
    for (const [subscribe, options] of [
      [overWebSocket, { headers: { authorization } }],
      [overEventStream, { headers: { authorization } }],
    ] as const) {
      const client = subscribe(gateway.url, { query: '{ orders }' }, options);
      await eventually(() => orders.requests.length > 0);
      client.close();
      expect(sentTo(orders)).toEqual([exchangedOf({ authorization })]);
      orders.requests.length = 0;
    }
  });

  it('goes to its subgraph alone, and the token of the caller to the others', async () => {
    const headers = await bearer('carl');
    expect(await ask('{ me { id count } }', headers)).toEqual({ data: { me: { id: 'u1', count: 3 } } });
    expect(sentTo(users)).toEqual([headers.authorization]);
    expect(sentTo(orders)).toEqual([exchangedOf(headers)]);
    for (const { requests } of [users, orders])
      expect(JSON.stringify(requests[0]!.headers)).not.toContain('weir-subject-token');
  });

  it('separates callers: they share no call, and equal requests of one caller do', async () => {
    const [one, other] = await Promise.all([bearer('dan'), bearer('eve')]);
    const calling = await start({ calls: { coalesce: false }, cache: { responses: { enabled: false } } });
    const send = async (headers: Record<string, string>, query = '{ seen }'): Promise<Json> =>
      (await calling.post({ query }, { headers })).json();
    for (const headers of [one, other]) await send(headers, '{ total }');
    let together: Promise<unknown> | undefined;
    orders.answer = ({ headers }, response) => {
      together ??= eventually(
        async () => (await calling.inFlight()) === 3 && orders.requests.length === 2,
      ).then(() => send(one, '{ __typename }'));
      void together.then(() => response.end(JSON.stringify({ data: { seen: headers.authorization } })));
    };
    const answers = await Promise.all([send(one), send(one), send(other)]);
    orders.answer = undefined;
    await calling.stop();
    expect(answers).toEqual([one, one, other].map((each) => ({ data: { seen: exchangedOf(each) } })));
    expect(sentTo(orders).sort()).toEqual([exchangedOf(one), exchangedOf(other)].sort());
    expect(endpoint.requests).toHaveLength(2);
  });

  it.each(['{ seen }', '{ me { id count } }'])('separates what is cached of %s', async (query) => {
    orders.headers = { 'cache-control': 'private, max-age=60' };
    users.headers = { 'cache-control': 'public, max-age=60' };
    const [first, one, other] = await Promise.all(['a', 'b', 'c'].map((each) => bearer(each + query)));
    // The first answer shows how long others live.
    for (const headers of [first!, one!, other!, one!, other!]) await ask(query, headers);
    expect(sentTo(orders)).toEqual([first!, one!, other!].map(exchangedOf));
    orders.headers = users.headers = {};
  });

  it('is missing for a caller without a token: the fields of the subgraph are null, with a sentence', async () => {
    expect(await ask('{ orders total }')).toEqual({
      data: { orders: null, total: 7 },
      errors: [
        {
          message: 'Subgraph "orders" was not called: the caller has no token to exchange for one of it.',
          path: ['orders'],
          extensions: { code: 'TOKEN_EXCHANGE_FAILED', service: 'orders' },
        },
      ],
    });
    expect(sentTo(orders)).toEqual([]);
    expect(endpoint.requests).toEqual([]);
  });

  it('that takes too long does not count as a failure of the subgraph: others still call it', async () => {
    const calling = await start({
      breaker: { failures: 0.1, atLeast: 2 },
      cache: { responses: { enabled: false } },
      subgraphs: { orders: { auth: auth(), timeout: '200ms' } },
    });
    const send = async (headers: Record<string, string>): Promise<Json> =>
      (await calling.post({ query: '{ orders }' }, { headers })).json();
    const known = await bearer('kay');
    expect(await send(known)).toEqual({ data: { orders: [1] } });
    const { answer } = endpoint;
    const waiting: (() => void)[] = [];
    endpoint.answer = (request) => new Promise((resolve) => waiting.push(() => resolve(answer(request))));
    for (const sub of ['lea', 'max', 'ned'])
      expect(await send(await bearer(sub))).toMatchObject({
        data: { orders: null },
        errors: [{ message: expect.stringContaining('"orders" was not called') as string }],
      });
    expect(await send(known)).toEqual({ data: { orders: [1] } });
    endpoint.answer = answer;
    for (const resolve of waiting) resolve();
    await calling.stop();
  });

  it('that is refused leaves the other fields, and its reason is in the log without any token', async () => {
    const headers = await bearer('hal');
    const { answer } = endpoint;
    endpoint.answer = ({ form }) => ({
      status: 400,
      body: { error: 'invalid_target', error_description: form['subject_token'] },
    });
    gateway.log.length = 0;
    const answers = await Promise.all([ask('{ orders total }', headers), ask('{ orders total }', headers)]);
    endpoint.answer = answer;
    expect(answers[0]).toMatchObject({
      data: { orders: null, total: 7 },
      errors: [
        {
          message:
            'Subgraph "orders" was not called: the token of the caller could not be exchanged for one of it.',
          extensions: { code: 'TOKEN_EXCHANGE_FAILED' },
        },
      ],
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(endpoint.requests).toHaveLength(1);
    const log = JSON.stringify(gateway.log);
    expect(log).toContain('invalid_target');
    expect(log).not.toContain(headers.authorization.slice('Bearer '.length));
  });
});

describe.each(['websocket', 'subscriptions-transport-ws', 'sse', 'multipart', 'callback'] as const)(
  'a subscription at a subgraph over %s',
  (protocol) => {
    it('is opened with the exchanged token, by each caller', async () => {
      const server = await serveSubscriptions(protocol);
      const { supergraphSdl } = composeSupergraph({
        subgraphs: [
          {
            ...{ name: 'counts', routingUrl: server.url, file: 'counts.graphql' },
            sdl: 'type Query { a: Int }  type Subscription { count(from: Int, text: String): Int }',
          },
        ],
      });
      const subscribed = await startTestGateway({
        supergraph: sourceOf(supergraphSdl),
        auth: { oidc: [{ issuer: issuer.url, audience: 'shop' }] },
        subgraphs: { counts: { auth: auth(), subscriptions: { protocol, heartbeat: '20s' } } },
      });
      const callers = [await bearer('ida'), await bearer('jon')];
      const clients = callers.map(({ authorization }) =>
        overWebSocket(subscribed.url, { query: 'subscription { count }' }, {
          headers: { authorization },
        } as Json),
      );
      await eventually(() => server.feeds.length === 2);
      expect(server.feeds.map(({ headers }) => headers.authorization).sort()).toEqual(
        callers.map(exchangedOf).sort(),
      );
      for (const { headers, params, extensions } of server.feeds) {
        const sent = JSON.stringify([headers, params, extensions]);
        for (const { authorization } of callers) expect(sent).not.toContain(authorization.slice(7));
      }
      for (const client of clients) client.close();
      await subscribed.stop();
      await server.stop();
    });
  },
);
