/**
 * Clients as they are installed, over `graphql-transport-ws`, with nothing told to them of Weir. Over 300 lines: each
 * client, its events, its end and its refusals.
 */
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { ApolloClient, CombinedGraphQLErrors, gql, InMemoryCache } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client as UrqlClient, subscriptionExchange } from '@urql/core';
import { type Client, type ClientOptions, createClient } from 'graphql-ws';
import {
  Environment,
  type GraphQLResponse,
  Network,
  Observable,
  RecordSource,
  type RequestParameters,
  Store,
  type Variables,
} from 'relay-runtime';
import { WebSocket } from 'ws';
import { TransportError } from '../../gateway/subgraph-calls/contract/transport';
import { upstreams } from '../support/held-upstreams';
import { Queue } from '../support/queue';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSmallGraph, type SmallGraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { webSocketUrl } from '../support/web-socket-client';

// Apollo Client's link compares with it, and Node 20 has none.
Object.assign(globalThis, { WebSocket });

/** Its events are the test's. */
const news = {
  name: 'news',
  typeDefs: `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { news: Int }
    type Subscription { joined(team: ID!): User }
    type User @key(fields: "id") { id: ID! }`,
  url: 'http://news.test/graphql',
};

let graph: SmallGraph;
let issuer: TokenIssuer;
let gateway: TestGateway;
let clients: Client[];
let connections = 0;

beforeAll(async () => {
  [graph, issuer] = await Promise.all([startSmallGraph(), startTokenIssuer()]);
  gateway = await startTestGateway({
    transport: upstreams,
    supergraph: sourceOf(compose([graph.accounts, graph.reviews, news])),
    auth: {
      apiKeys: [{ client: 'web', sha256: createHash('sha256').update('good').digest('hex') }],
      oidc: [{ issuer: issuer.url, audience: 'shop' }],
    },
    subscriptions: { perConnection: 2 },
  });
});
beforeEach(() => {
  clients = [];
  connections = 0;
});
afterEach(async () => {
  for (const client of clients) await client.dispose();
  upstreams.reset();
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([graph.close(), issuer.close()]);
});

class CountedWebSocket extends WebSocket {
  constructor(...given: ConstructorParameters<typeof WebSocket>) {
    super(...given);
    connections++;
  }
}

function connect(options: Partial<ClientOptions> = {}): Client {
  const client = createClient({
    url: webSocketUrl(gateway.url),
    webSocketImpl: CountedWebSocket,
    connectionParams: { 'x-api-key': 'good' },
    // Would be told on the console.
    onNonLazyError: () => undefined,
    ...options,
  });
  clients.push(client);
  return client;
}

/** The results of an operation, one after the other. */
async function all(client: Client, query: string, variables?: Record<string, unknown>): Promise<Json[]> {
  const results: Json[] = [];
  for await (const result of client.iterate({ query, ...(variables && { variables }) })) results.push(result);
  return results;
}

const me = '{ me { name } }';
const ada = { me: { name: 'Ada' } };
const failure = async (work: Promise<unknown>): Promise<Json> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('graphql-ws', () => {
  it('runs queries and mutations over one connection', async () => {
    const client = connect();
    const rename = 'mutation ($name: String!) { rename(id: "u1", name: $name) { name } }';
    expect(await Promise.all([all(client, me), all(client, rename, { name: 'Eve' })])).toEqual([
      [{ data: ada }],
      [{ data: { rename: { name: 'Eve' } } }],
    ]);
    expect(connections).toBe(1);
  });

  it('is told what is wrong with an operation, and goes on', async () => {
    const client = connect({ lazy: false });
    const [{ message, extensions }] = await failure(all(client, '{ unknown }'));
    expect([message, extensions.code]).toEqual([
      'Cannot query field "unknown" on type "Query".',
      'GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(await all(client, me)).toEqual([{ data: ada }]);
    expect(connections).toBe(1);
  });

  it.each<[string, () => Promise<Record<string, unknown>>, string]>([
    ['no credentials', async () => ({}), 'The request has no credentials.'],
    ['a wrong key', async () => ({ 'x-api-key': 'bad' }), 'The API key is not known.'],
    [
      'an expired token',
      async () => ({ Authorization: `Bearer ${await issuer.token({ exp: inSeconds(-60) })}` }),
      'The token has expired.',
    ],
  ])('with %s is told so, and tries once', async (_, connectionParams, sentence) => {
    const client = connect({ connectionParams });
    const { code, reason } = await failure(all(client, me));
    expect([code, reason]).toEqual([4401, sentence]);
    expect(connections).toBe(1);
  });

  it('with a token that is good is let in', async () => {
    const client = connect({
      connectionParams: async () => ({ Authorization: `Bearer ${await issuer.token()}` }),
    });
    expect(await all(client, me)).toEqual([{ data: ada }]);
  });
});

const apolloOver = (socket: Client): ApolloClient =>
  new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });

const urqlOver = (socket: Client): UrqlClient =>
  new UrqlClient({
    url: gateway.url,
    exchanges: [
      subscriptionExchange({
        enableAllOperations: true,
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query: query!, variables: variables as never }, sink as never),
          }),
        }),
      }),
    ],
    preferGetMethod: false,
  });

/** What Relay executes, without the compiler that an application has. */
function relayOver(socket: Client) {
  const send = ({ text }: RequestParameters, variables: Variables) =>
    Observable.create<GraphQLResponse>((sink) =>
      socket.subscribe({ operationName: 'Asked', query: text!, variables }, sink as never),
    );
  const network = Network.create(send, send);
  const environment = new Environment({ network, store: new Store(new RecordSource()) });
  return (operationKind: 'query' | 'subscription', text: string, variables: Variables = {}) => {
    const request = { text, name: 'Asked', operationKind, id: null, cacheID: text, metadata: {} };
    return environment.getNetwork().execute(request, variables, {});
  };
}

it('Apollo Client runs queries and mutations, and surfaces errors', async () => {
  const client = apolloOver(connect({ lazy: false }));
  expect((await client.query({ query: gql(me) })).data).toEqual({
    me: { __typename: 'User', name: 'Ada' },
  });
  const mutation = gql('mutation { rename(id: "u2", name: "Eve") { id name } }');
  expect((await client.mutate({ mutation })).data).toEqual({
    rename: { __typename: 'User', id: 'u2', name: 'Eve' },
  });
  const error = await failure(client.query({ query: gql('{ unknown }') }));
  expect(CombinedGraphQLErrors.is(error)).toBe(true);
  expect(error.message).toBe('Cannot query field "unknown" on type "Query".');
  expect(connections).toBe(1);
});

it('urql runs queries and surfaces errors', async () => {
  const client = urqlOver(connect());
  expect((await client.query(me, {}).toPromise()).data).toMatchObject(ada);
  const { error } = await client.query('{ unknown }', {}).toPromise();
  expect(error!.message).toContain('Cannot query field "unknown" on type "Query".');
});

it('Relay runs queries and surfaces errors', async () => {
  const execute = relayOver(connect());
  expect(await execute('query', 'query Asked { me { name } }').toPromise()).toEqual({ data: ada });
  const [{ message }] = await failure(execute('query', 'query Asked { unknown }').toPromise());
  expect(message).toBe('Cannot query field "unknown" on type "Query".');
});

describe('a subscription', () => {
  const query = 'subscription Asked($team: ID!) { joined(team: $team) { __typename id name } }';
  const ada = { joined: { __typename: 'User', id: 'u1', name: 'Ada' } };
  const grace = { joined: { __typename: 'User', id: 'u2', name: 'Grace' } };
  /** What comes of it: the data of each event, then `complete`, or what an application is told of a failure. */
  type Subscribe = (socket: Client, query: string, told: Queue<Json>) => () => void;

  const withGraphqlWs: Subscribe = (socket, text, told) =>
    socket.subscribe(
      { query: text, variables: { team: '1' } },
      {
        next: ({ data }) => told.push(data),
        error: (error) => told.push(error),
        complete: () => told.push('complete'),
      },
    );

  const withApollo: Subscribe = (socket, text, told) => {
    const source = apolloOver(socket).subscribe({ query: gql(text), variables: { team: '1' } });
    const handle = source.subscribe({
      next: ({ data, error }) => told.push(data ?? error),
      complete: () => told.push('complete'),
    });
    return () => handle.unsubscribe();
  };

  const withUrql: Subscribe = (socket, text, told) => {
    const source = urqlOver(socket).subscription(text, { team: '1' });
    const handle = source.subscribe(({ data, error, hasNext }) => {
      // The last result is that of the last event again.
      told.push(error ?? (hasNext ? data : 'complete'));
    });
    return () => handle.unsubscribe();
  };

  const withRelay: Subscribe = (socket, text, told) => {
    const handle = relayOver(socket)('subscription', text, { team: '1' }).subscribe({
      next: ({ data }: Json) => told.push(data),
      error: (error: Json) => told.push(error),
      complete: () => told.push('complete'),
    });
    return () => handle.unsubscribe();
  };

  describe.each<[string, Subscribe]>([
    ['graphql-ws', withGraphqlWs],
    ['Apollo Client', withApollo],
    ['urql', withUrql],
    ['Relay', withRelay],
  ])('with %s', (_, subscribe) => {
    it('brings each event with what other subgraphs know, and comes to its end', async () => {
      const told = new Queue<Json>();
      subscribe(connect(), query, told);
      await opened();
      for (const [id, data] of [
        ['u1', ada],
        ['u2', grace],
      ] as const) {
        upstreams.give({ joined: { __typename: 'User', id } });
        expect(await told.next()).toEqual(data);
      }
      upstreams.open[0]!.events.end();
      expect(await told.next()).toBe('complete');
      expect(connections).toBe(1);
    });

    it('is closed at the subgraph when the application does not want more, and the connection lives on', async () => {
      const socket = connect({ lazy: false });
      const stop = subscribe(socket, query, new Queue());
      await opened();
      stop();
      await closed();
      expect(await all(socket, me)).toEqual([{ data: { me: { name: 'Ada' } } }]);
      expect(connections).toBe(1);
    });

    it('that is refused tells why, and others of the connection live on', async () => {
      const [told, refused, third] = [new Queue<Json>(), new Queue<Json>(), new Queue<Json>()];
      const socket = connect();
      subscribe(socket, query, told);
      await opened();
      subscribe(socket, 'subscription Asked { unknown }', refused);
      expect(sentenceOf(await refused.next())).toContain(
        'Cannot query field "unknown" on type "Subscription".',
      );
      subscribe(socket, 'subscription Asked { joined(team: "2") { id } }', new Queue());
      await opened(2);
      subscribe(socket, query, third);
      expect(sentenceOf(await third.next())).toContain(
        'At most 2 operations may run over one connection at once.',
      );
      upstreams.give({ joined: { __typename: 'User', id: 'u1' } });
      expect(await told.next()).toEqual(ada);
      expect(connections).toBe(1);
    });

    it('that breaks off tells why', async () => {
      const told = new Queue<Json>();
      subscribe(connect(), query, told);
      await opened();
      upstreams.opened[0]!.events.give(new TransportError('news', 'reset'));
      expect(sentenceOf(await told.next())).toContain(
        'Subgraph "news" closed the connection before it had answered.',
      );
    });

    it.each<[string, () => Promise<Record<string, unknown>>, string]>([
      ['a wrong key', async () => ({ 'x-api-key': 'bad' }), 'The API key is not known.'],
      [
        'an expired token',
        async () => ({ Authorization: await issuer.token({ exp: inSeconds(-60) }) }),
        'The token has expired.',
      ],
    ])('and %s is told so, and tries once', async (_what, connectionParams, sentence) => {
      const told = new Queue<Json>();
      subscribe(connect({ connectionParams }), query, told);
      expect(sentenceOf(await told.next())).toContain(sentence);
      expect(connections).toBe(1);
    });
  });
});

/** What an application is told: by errors, an error, or the close of the connection. */
const sentenceOf = (failure: Json): string =>
  failure[0]?.message ?? (failure.networkError ?? failure).reason ?? failure.message;

const opened = async (count = 1): Promise<void> => {
  while (upstreams.open.length < count) await wait(5);
};
const closed = async (): Promise<void> => {
  while (upstreams.open.length > 0) await wait(5);
};
