/**
 * Clients as they are installed, with nothing told to them of Weir. A test calls them in a page, and gives the page
 * `report`, to which they tell what comes.
 */
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client as UrqlClient, fetchExchange } from '@urql/core';
import { createSubscriptionHandshakeLink } from 'aws-appsync-subscription-link';
import { Buffer } from 'buffer/';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime';
import { createApplication as createAmplifyApplication } from './amplify-application.mjs';

// AppSync's link needs it, and browsers lack it: applications bring a polyfill.
globalThis.Buffer = Buffer;

/** @param options of `ApolloClient` */
const apolloClient = (options) => new ApolloClient({ cache: new InMemoryCache(), ...options });

/** Apollo Client keeps what AppSync's link throws as its cause. */
const sentenceOf = (error) =>
  error[0]?.message ?? error.cause?.errors?.[0].message ?? error.reason ?? error.message;

/** Tells of `data`, of `failed`, which is a sentence, and of `isComplete`. */
const observer = {
  next: ({ data, error, errors }) => {
    if (error ?? errors) globalThis.report({ failed: sentenceOf(error ?? errors) });
    else globalThis.report({ data });
  },
  error: (error) => globalThis.report({ failed: sentenceOf(error) }),
  complete: () => globalThis.report({ isComplete: true }),
};

/** Each takes the URL of the endpoint, a subscription, and headers with credentials. */
globalThis.subscribeWith = {
  'Apollo Client over WebSocket': (url, query, headers) => {
    const client = createWebSocketClient({ url: url.replace('http', 'ws'), connectionParams: headers });
    apolloClient({ link: new GraphQLWsLink(client) })
      .subscribe({ query: gql(query) })
      .subscribe(observer);
  },
  'Apollo Client over HTTP': (url, query, headers) => {
    apolloClient({ link: new HttpLink({ uri: url, headers }) })
      .subscribe({ query: gql(query) })
      .subscribe(observer);
  },
  'graphql-sse': (url, query, headers) => {
    createEventStreamClient({ url, headers }).subscribe({ query }, observer);
  },
  'urql over HTTP': (url, query, headers) => {
    new UrqlClient({
      ...{ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false },
      fetchOptions: { headers },
    })
      .subscription(query, {})
      .subscribe(observer.next);
  },
  'Relay over WebSocket': (url, query, headers) => {
    const client = createWebSocketClient({ url: url.replace('http', 'ws'), connectionParams: headers });
    const send = ({ text }, variables) =>
      Observable.create((sink) => client.subscribe({ query: text, variables }, sink));
    const environment = new Environment({
      network: Network.create(send, send),
      store: new Store(new RecordSource()),
    });
    // What Relay executes, without the compiler that an application has.
    const request = {
      text: query,
      name: null,
      operationKind: 'subscription',
      id: null,
      cacheID: query,
      metadata: {},
    };
    environment.getNetwork().execute(request, {}, {}).subscribe(observer);
  },
  'AppSync’s link': (url, query, { 'x-api-key': apiKey }) => {
    const auth = { type: 'API_KEY', apiKey };
    apolloClient({ link: createSubscriptionHandshakeLink({ url, region: 'eu-west-1', auth }) })
      .subscribe({ query: gql(query) })
      // The link tells so that it is connected.
      .subscribe({ ...observer, next: (result) => (result.data || result.error) && observer.next(result) });
  },
  'AWS Amplify': (url, query, { 'x-api-key': apiKey }) => {
    const run = createAmplifyApplication({ endpoint: url, report: globalThis.report });
    run({ operation: { query, authMode: 'apiKey', apiKey }, session: {} });
  },
};

const handlers = { Defer20220824Handler, GraphQL17Alpha9Handler };

/** Queries with Apollo Client, and tells of each state of the answer. */
globalThis.queryWith = (handler, url, query) => {
  apolloClient({ link: new HttpLink({ uri: url }), incrementalHandler: new handlers[handler]() })
    .watchQuery({ query: gql(query) })
    .subscribe({
      ...observer,
      next: ({ data, dataState }) => data !== undefined && globalThis.report({ data, dataState }),
    });
};
