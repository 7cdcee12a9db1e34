/** What unmodified clients make of a gap, which comes as a result without data. */
import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client as UrqlClient, fetchExchange } from '@urql/core';
import { EventSource } from 'eventsource';
import { type Client, createClient } from 'graphql-ws';
import { createClient as createEventStreamClient } from 'graphql-sse';
import {
  createOperationDescriptor,
  Environment,
  type GraphQLResponse,
  Network,
  Observable,
  RecordSource,
  Store,
} from 'relay-runtime';
import { WebSocket } from 'ws';
import { gapEvent, upstreams } from '../support/held-upstreams';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose } from '../support/small-graph';
import { webSocketUrl } from '../support/web-socket-client';

// Apollo Client's link compares with it, and Node 20 has none.
Object.assign(globalThis, { WebSocket });

const typeDefs = 'type Query { a: Int }  type Subscription { count: Int }';
const query = 'subscription Count { count }';
let gateway: TestGateway;
let socket: Client;

beforeAll(async () => {
  const counts = { name: 'counts', url: 'http://counts.test/graphql', typeDefs };
  gateway = await startTestGateway({
    transport: upstreams,
    supergraph: sourceOf(compose([counts])),
    cors: { origins: ['https://shop.example'] },
  });
  socket = createClient({ url: webSocketUrl(gateway.url), webSocketImpl: WebSocket });
});
afterAll(async () => {
  await socket.dispose();
  await gateway.stop();
});

type Next = (result: Json) => void;
/** Begins, and returns what ends it. */
type Begin = (next: Next) => () => void;

const gap = { extensions: { weir: { gap: true } } };
const first = { data: { count: 1 } };
const stored = { extensions: { __relay_subscription_root_id: expect.any(String) as string } };
const second = { data: { count: 2 } };

const withApollo = (link: ApolloLink, next: Next, fetchPolicy?: 'no-cache'): (() => void) => {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const running = client
    .subscribe({ query: gql(query), ...(fetchPolicy && { fetchPolicy }) })
    .subscribe({ next });
  return () => running.unsubscribe();
};

const clients: [string, Begin, expected: Json[]][] = [
  [
    'graphql-ws has it as it is',
    (next) => socket.subscribe({ query }, { next, error: next, complete: () => undefined }),
    [first, { data: null, ...gap }, second],
  ],
  [
    'graphql-sse has it as it is',
    (next) =>
      createEventStreamClient({ url: gateway.url }).subscribe(
        { query },
        { next, error: next, complete: () => undefined },
      ),
    [first, { data: null, ...gap }, second],
  ],
  [
    'an `EventSource` has it as it is',
    (next) => {
      const source = new EventSource(`${gateway.url}?query=${encodeURIComponent(query)}`, {
        fetch: (url, init) =>
          fetch(url, { ...init, headers: { ...init.headers, origin: 'https://shop.example' } }),
      });
      source.addEventListener('next', ({ data }) => next(JSON.parse(data as string)));
      return () => source.close();
    },
    [first, { data: null, ...gap }, second],
  ],
  [
    'Relay writes nothing to its store, and goes on',
    (next) => {
      const environment = new Environment({
        network: Network.create(
          () => Promise.reject(new Error('no queries')),
          () => Observable.create<GraphQLResponse>((sink) => socket.subscribe({ query }, sink as never)),
        ),
        store: new Store(new RecordSource()),
      });
      const operation = createOperationDescriptor(relayRequest as never, {});
      // Its types lack it.
      const { executeSubscription } = environment as unknown as Record<string, typeof environment.execute>;
      const running = executeSubscription!.call(environment, { operation }).subscribe({ next, error: next });
      return () => running.unsubscribe();
    },
    // What is in its store it names.
    [
      { ...first, ...stored },
      { data: null, ...gap },
      { ...second, ...stored },
    ],
  ],
  [
    'Apollo Client over WebSocket gives the data in its cache again',
    (next) => withApollo(new GraphQLWsLink(socket), next),
    [first, { ...first, ...gap }, second],
  ],
  [
    'Apollo Client over multipart gives the data in its cache again',
    (next) => withApollo(new HttpLink({ uri: gateway.url }), next),
    [first, { ...first, ...gap }, second],
  ],
  [
    'Apollo Client without a cache passes over it',
    (next) => withApollo(new GraphQLWsLink(socket), next, 'no-cache'),
    [first, second],
  ],
  [
    'urql gives the data before it again, and goes on with its extensions',
    (next) => {
      const client = new UrqlClient({
        ...{ url: gateway.url, preferGetMethod: false, fetchSubscriptions: true },
        exchanges: [fetchExchange],
      });
      const running = client
        .subscription(query, {})
        .subscribe(({ data, extensions }) => next({ data, ...(extensions && { extensions }) }));
      return () => running.unsubscribe();
    },
    [first, { ...first, ...gap }, { ...second, ...gap }],
  ],
];

const selection = { kind: 'ScalarField', name: 'count', storageKey: null, alias: null, args: null };
const relayRequest = {
  kind: 'Request',
  fragment: {
    ...{ kind: 'Fragment', name: 'Count', type: 'Subscription', metadata: null },
    ...{ argumentDefinitions: [], selections: [selection], abstractKey: null },
  },
  operation: { kind: 'Operation', name: 'Count', argumentDefinitions: [], selections: [selection] },
  params: {
    id: null,
    cacheID: 'count',
    name: 'Count',
    operationKind: 'subscription',
    text: query,
    metadata: {},
  },
};

it.each(clients)('%s', async (_, begin, expected) => {
  upstreams.reset();
  const results: Json[] = [];
  let wake: () => void = () => undefined;
  const end = begin((result) => {
    results.push(result);
    wake();
  });
  const has = async (count: number): Promise<void> => {
    while (results.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  while (upstreams.open.length === 0) await new Promise((later) => setTimeout(later, 5));
  upstreams.give({ count: 1 });
  await has(1);
  upstreams.opened[0]!.events.give(gapEvent);
  await has(expected.length - 1);
  upstreams.give({ count: 2 });
  await has(expected.length);
  end();
  while (upstreams.open.length > 0) await new Promise((later) => setTimeout(later, 5));
  expect(results).toEqual(expected);
});
