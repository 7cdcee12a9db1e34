/** Clients as they are installed, over `graphql-transport-ws`, with nothing told to them of Weir. */
import { createHash } from 'node:crypto';
import { ApolloClient, CombinedGraphQLErrors, gql, InMemoryCache } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client as UrqlClient, subscriptionExchange } from '@urql/core';
import { type Client, type ClientOptions, createClient } from 'graphql-ws';
import { Environment, type GraphQLResponse, Network, Observable, RecordSource, Store } from 'relay-runtime';
import { WebSocket } from 'ws';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { webSocketUrl } from '../support/web-socket-client';

// Apollo Client's link compares with it, and Node 20 has none.
Object.assign(globalThis, { WebSocket });

let graph: SmallGraph;
let issuer: TokenIssuer;
let gateway: TestGateway;
let clients: Client[];
let connections = 0;

beforeAll(async () => {
  [graph, issuer] = await Promise.all([startSmallGraph(), startTokenIssuer()]);
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    auth: {
      apiKeys: [{ client: 'web', sha256: createHash('sha256').update('good').digest('hex') }],
      oidc: [{ issuer: issuer.url, audience: 'shop' }],
    },
  });
});
beforeEach(() => {
  clients = [];
  connections = 0;
});
afterEach(async () => {
  for (const client of clients) await client.dispose();
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

it('Apollo Client runs queries and mutations, and surfaces errors', async () => {
  const client = new ApolloClient({
    link: new GraphQLWsLink(connect({ lazy: false })),
    cache: new InMemoryCache(),
  });
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
  const socket = connect();
  const client = new UrqlClient({
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
  expect((await client.query(me, {}).toPromise()).data).toMatchObject(ada);
  const { error } = await client.query('{ unknown }', {}).toPromise();
  expect(error!.message).toContain('Cannot query field "unknown" on type "Query".');
});

it('Relay runs queries and surfaces errors', async () => {
  const socket = connect();
  const ask = (text: string, variables: Record<string, unknown>) =>
    Observable.create<GraphQLResponse>((sink) =>
      socket.subscribe({ operationName: 'Me', query: text, variables }, sink as never),
    );
  const environment = new Environment({
    network: Network.create((request, variables) => ask(request.text!, variables)),
    store: new Store(new RecordSource()),
  });
  const execute = (text: string) =>
    environment
      .getNetwork()
      .execute(
        { text, name: 'Me', operationKind: 'query', id: null, cacheID: 'me', metadata: {} } as never,
        {},
        {},
      )
      .toPromise();
  expect(await execute('query Me { me { name } }')).toEqual({ data: ada });
  const [{ message }] = await failure(execute('query Me { unknown }'));
  expect(message).toBe('Cannot query field "unknown" on type "Query".');
});
