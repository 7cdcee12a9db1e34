/**
 * Subscriptions by unmodified clients over HTTP/1.1 and HTTP/2. The subgraph's events are the test's. Over 300 lines: each
 * client over each protocol, and what each is told when refused.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  ApolloClient,
  CombinedGraphQLErrors,
  CombinedProtocolErrors,
  gql,
  HttpLink,
  InMemoryCache,
} from '@apollo/client';
import { Client, fetchExchange } from '@urql/core';
import { EventSource } from 'eventsource';
import { createClient } from 'graphql-sse';
import { Agent, fetch as undiciFetch } from 'undici';
import { TransportError } from '../../gateway/subgraph-calls/contract/transport';
import { upstreams } from '../support/held-upstreams';
import { Queue } from '../support/queue';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

const query = 'subscription ($upc: ID!) { repriced(upc: $upc) { price } }';
const variables = { upc: '1' };
const repriced = (price: number): Json => ({ repriced: { price } });

let subgraph: TestSubgraph;

beforeAll(async () => {
  subgraph = await startSubgraph({
    name: 'products',
    typeDefs: `
      type Query { product: Product }
      type Subscription { repriced(upc: ID!): Product }
      type Product { price: Int }`,
    resolvers: { Query: { product: () => ({ price: 1 }) } },
  });
});
afterAll(() => subgraph.close());
afterEach(() => upstreams.reset());

const files = join(__dirname, '../support/tls');
const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };

/** Resolves when a subgraph is asked for events. */
const opened = async (): Promise<void> => {
  while (upstreams.open.length === 0) await new Promise((later) => setTimeout(later, 5));
};
const closed = async (): Promise<void> => {
  while (upstreams.open.length > 0) await new Promise((later) => setTimeout(later, 5));
};

describe.each(['HTTP/1.1', 'HTTP/2'])('over %s', (protocol) => {
  const isSecure = protocol === 'HTTP/2';
  let gateway: TestGateway;
  let agent: Agent;
  /** How many requests a client has sent. */
  let sent = 0;
  /** As browsers have it, which choose the protocol with the server. */
  const send = ((url: string, init: object) => {
    sent++;
    return undiciFetch(url, { ...init, dispatcher: agent }).then((response) => {
      // Answers over HTTP/2 have none.
      protocols.add(response.headers.has('connection') ? 'HTTP/1.1' : 'HTTP/2');
      return response;
    });
  }) as unknown as typeof fetch;
  const protocols = new Set<string>();

  beforeAll(async () => {
    agent = new Agent({ allowH2: isSecure, connect: { ca: certificate } });
    gateway = await startTestGateway({
      transport: upstreams,
      supergraph: sourceOf(compose([subgraph])),
      cors: { origins: ['https://shop.example'] },
      ...(isSecure && { tls }),
    });
  });
  afterAll(async () => {
    await agent.destroy();
    await gateway.stop();
    expect([...protocols]).toEqual([protocol]);
  });
  beforeEach(() => {
    sent = 0;
  });
  const url = (): string => gateway.url.replace('127.0.0.1', 'localhost');

  describe('graphql-sse', () => {
    const subscribe = (payload: { query: string; variables?: Record<string, unknown> }) => {
      const client = createClient({ url: url(), fetchFn: send });
      const results = new Queue<Json>();
      const stop = client.subscribe(payload, {
        next: (result) => results.push(result),
        error: (error) => results.push(['failed', error]),
        complete: () => results.push('complete'),
      });
      return { results, stop };
    };

    it('gets each event, and learns of the end', async () => {
      const { results } = subscribe({ query, variables });
      await opened();
      for (const price of [5, 6]) {
        upstreams.give(repriced(price));
        expect(await results.next()).toEqual({ data: repriced(price) });
      }
      upstreams.opened[0]!.events.end();
      expect(await results.next()).toBe('complete');
      expect(sent).toBe(1);
    });

    it('gets the answers to queries and mutations', async () => {
      const { results } = subscribe({ query: '{ product { price } }' });
      expect([await results.next(), await results.next()]).toEqual([
        { data: { product: { price: 1 } } },
        'complete',
      ]);
    });

    it('is told once why it is refused', async () => {
      const { results } = subscribe({ query: 'subscription { unknown }' });
      expect(await results.next()).toMatchObject({
        errors: [{ message: 'Cannot query field "unknown" on type "Subscription".' }],
      });
      expect(await results.next()).toBe('complete');
      expect(sent).toBe(1);
    });

    it('is told why there are no more events', async () => {
      const { results } = subscribe({ query, variables });
      await opened();
      upstreams.opened[0]!.events.give(new TransportError('products', 'reset'));
      expect(await results.next()).toMatchObject({
        errors: [{ extensions: { code: 'SUBREQUEST_HTTP_ERROR' } }],
      });
      expect(await results.next()).toBe('complete');
      expect(sent).toBe(1);
    });

    it('leaves, and the source is closed', async () => {
      const { stop } = subscribe({ query, variables });
      await opened();
      stop();
      await closed();
    });
  });

  describe('urql', () => {
    const client = (): Client =>
      new Client({
        url: url(),
        exchanges: [fetchExchange],
        fetch: send,
        fetchSubscriptions: true,
        preferGetMethod: false,
      });

    it('gets each event, and the answers to queries', async () => {
      const results = new Queue<Json>();
      const subscription = client()
        .subscription(query, variables)
        .subscribe(({ data, error }) => results.push({ data, error }));
      await opened();
      for (const price of [5, 6]) {
        upstreams.give(repriced(price));
        expect(await results.next()).toEqual({ data: repriced(price), error: undefined });
      }
      subscription.unsubscribe();
      await closed();
      const { data } = await client().query('{ product { price } }', {}).toPromise();
      expect(data).toEqual({ product: { price: 1 } });
    });

    it('is told why it is refused', async () => {
      const result = await client().subscription('subscription { unknown }', {}).toPromise();
      expect(result.error?.graphQLErrors[0]?.message).toBe(
        'Cannot query field "unknown" on type "Subscription".',
      );
      expect(sent).toBe(1);
    });
  });

  describe('Apollo Client 4', () => {
    const subscribe = (document: string, values = {}) => {
      const client = new ApolloClient({
        link: new HttpLink({ uri: url(), fetch: send }),
        cache: new InMemoryCache(),
      });
      const results = new Queue<Json>();
      const subscription = client.subscribe({ query: gql(document), variables: values }).subscribe({
        next: (result) => results.push(result),
        error: (error) => results.push(['failed', error]),
        complete: () => results.push('complete'),
      });
      return { results, stop: () => subscription.unsubscribe() };
    };

    it('gets each event, and learns of the end', async () => {
      const { results } = subscribe(query, variables);
      await opened();
      for (const price of [5, 6]) {
        upstreams.give(repriced(price));
        expect((await results.next()).data).toMatchObject(repriced(price));
      }
      upstreams.opened[0]!.events.end();
      expect(await results.next()).toBe('complete');
    });

    it('learns of an end without an event', async () => {
      const { results } = subscribe(query, variables);
      await opened();
      upstreams.opened[0]!.events.end();
      expect(await results.next()).toBe('complete');
    });

    it('is told why it is refused', async () => {
      const { results } = subscribe('subscription { unknown }');
      const { error } = await results.next();
      expect(CombinedGraphQLErrors.is(error)).toBe(true);
      expect(error.errors[0].message).toBe('Cannot query field "unknown" on type "Subscription".');
      expect(sent).toBe(1);
    });

    it('is told why there are no more events', async () => {
      const { results } = subscribe(query, variables);
      await opened();
      upstreams.opened[0]!.events.give(new TransportError('products', 'reset'));
      const { error } = await results.next();
      expect(CombinedProtocolErrors.is(error)).toBe(true);
      expect(error.errors[0].extensions.code).toBe('SUBREQUEST_HTTP_ERROR');
    });

    it('leaves, and the source is closed', async () => {
      const { stop } = subscribe(query, variables);
      await opened();
      stop();
      await closed();
    });
  });

  describe('an `EventSource`', () => {
    const open = (document: string, headers: Record<string, string> = { origin: 'https://shop.example' }) => {
      const search = new URLSearchParams({ query: document, variables: JSON.stringify(variables) });
      const source = new EventSource(`${url()}?${search.toString()}`, {
        fetch: (address, init) =>
          send(String(address), { ...init, headers: { ...init.headers, ...headers } }),
      });
      const events = new Queue<Json>();
      source.addEventListener('next', ({ data, lastEventId }) =>
        events.push([JSON.parse(data as string), lastEventId]),
      );
      source.addEventListener('complete', () => {
        source.close();
        events.push('complete');
      });
      source.addEventListener('error', ({ code }) => events.push(['failed', code]));
      return { source, events };
    };

    it('gets each event, new and known, and learns of the end', async () => {
      for (let again = 0; again < 2; again++) {
        const { events } = open(query);
        await opened();
        upstreams.give(repriced(5));
        expect(await events.next()).toEqual([{ data: repriced(5) }, '']);
        upstreams.open[0]!.events.end();
        expect(await events.next()).toBe('complete');
        upstreams.reset();
      }
      expect(sent).toBe(2);
    });

    it('of another origin is told once why it is refused', async () => {
      const { events } = open(query, { origin: 'https://other.example' });
      const [told] = await events.next();
      expect(told.errors[0].extensions.code).toBe('BAD_REQUEST');
      expect(await events.next()).toBe('complete');
      expect([sent, upstreams.opened]).toEqual([1, []]);
    });
  });
});

describe('a refusal', () => {
  let gateway: TestGateway;
  let issuer: TokenIssuer;
  let sent = 0;
  const send: typeof fetch = (url, init) => {
    sent++;
    return fetch(url, init);
  };
  const key = { 'x-api-key': 'good' };

  beforeAll(async () => {
    issuer = await startTokenIssuer();
    gateway = await startTestGateway({
      transport: upstreams,
      supergraph: sourceOf(compose([subgraph])),
      auth: {
        apiKeys: [{ client: 'web', sha256: createHash('sha256').update('good').digest('hex') }],
        oidc: [{ issuer: issuer.url, audience: 'shop' }],
      },
      subscriptions: { perIdentity: 1 },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    await issuer.close();
  });
  beforeEach(() => {
    sent = 0;
  });

  type Refused = (headers: Record<string, string>) => Promise<string>;
  const ofGraphqlSse: Refused = (headers) =>
    new Promise((resolve) => {
      createClient({ url: gateway.url, headers, fetchFn: send }).subscribe(
        { query, variables },
        {
          next: ({ errors }) => resolve(errors![0]!.message),
          error: (error) => resolve(String(error)),
          complete: () => undefined,
        },
      );
    });
  const ofUrql: Refused = async (headers) => {
    const client = new Client({
      url: gateway.url,
      exchanges: [fetchExchange],
      fetch: send,
      fetchOptions: { headers },
      fetchSubscriptions: true,
      preferGetMethod: false,
    });
    return (await client.subscription(query, variables).toPromise()).error!.message;
  };
  const ofApollo: Refused = (headers) =>
    new Promise((resolve) => {
      const link = new HttpLink({ uri: gateway.url, fetch: send, headers });
      const client = new ApolloClient({ link, cache: new InMemoryCache() });
      client
        .subscribe({ query: gql(query), variables })
        .subscribe(({ error }) => resolve(String(error?.message)));
    });

  describe.each<[string, Refused]>([
    ['graphql-sse', ofGraphqlSse],
    ['urql', ofUrql],
    ['Apollo Client 4', ofApollo],
  ])('reaches %s once,', (_, refused) => {
    it.each<[string, () => Promise<Record<string, string>>, string]>([
      ['no credentials', async () => ({}), 'The request has no credentials.'],
      ['a wrong key', async () => ({ 'x-api-key': 'bad' }), 'The API key is not known.'],
      [
        'an expired token',
        async () => ({ authorization: await issuer.token({ exp: inSeconds(-60) }) }),
        'The token has expired.',
      ],
    ])('with its sentence, for %s', async (_what, headers, sentence) => {
      expect(await refused(await headers())).toContain(sentence);
      expect(sent).toBe(1);
    });

    it('with its sentence, over the limit of subscriptions', async () => {
      const first = new AbortController();
      await fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...key },
        body: JSON.stringify({ query, variables }),
        signal: first.signal,
      });
      await opened();
      expect(await refused(key)).toContain('You have 1 subscription already, which is the most.');
      expect(sent).toBe(1);
      first.abort();
      await closed();
    });
  });
});

describe('when the gateway is replaced', () => {
  const running: TestGateway[] = [];
  afterEach(async () => {
    for (const gateway of running.splice(0)) await gateway.stop();
  });
  /** @param port 0 for any */
  const start = async (port: number): Promise<TestGateway> => {
    const gateway = await startTestGateway({
      transport: upstreams,
      supergraph: sourceOf(compose([subgraph])),
      port,
      cors: { origins: ['https://shop.example'] },
    });
    running.push(gateway);
    return gateway;
  };
  const replace = async (gateway: TestGateway): Promise<void> => {
    await gateway.stop();
    upstreams.reset();
    await start(Number(new URL(gateway.url).port));
    await opened();
  };

  it('an `EventSource` comes back by itself, and goes on after the last event that it has got', async () => {
    const gateway = await start(0);
    const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
    const source = new EventSource(`${gateway.url}?${search.toString()}`, {
      fetch: (url, init) =>
        fetch(url, { ...init, headers: { ...init.headers, origin: 'https://shop.example' } }),
    });
    const prices = new Queue<number>();
    source.addEventListener('next', ({ data }) =>
      prices.push(JSON.parse(data as string).data.repriced.price),
    );
    await opened();
    upstreams.give(repriced(5), { position: 'p5' });
    expect(await prices.next()).toBe(5);
    await replace(gateway);
    expect(upstreams.opened[0]!.request.after).toBe('p5');
    upstreams.give(repriced(6), { position: 'p6' });
    expect(await prices.next()).toBe(6);
    source.close();
  });

  it('graphql-sse comes back by itself', async () => {
    const gateway = await start(0);
    const client = createClient({ url: gateway.url });
    const results = new Queue<Json>();
    const stop = client.subscribe(
      { query, variables },
      {
        next: (result) => results.push(result),
        error: (error) => results.push(['failed', error]),
        complete: () => results.push('complete'),
      },
    );
    await opened();
    upstreams.give(repriced(5));
    expect(await results.next()).toEqual({ data: repriced(5) });
    await replace(gateway);
    upstreams.give(repriced(6));
    expect(await results.next()).toEqual({ data: repriced(6) });
    stop();
  });

  it('a subscription that comes too late is sent away for a moment', async () => {
    const gateway = await startTestGateway({
      transport: upstreams,
      supergraph: sourceOf(compose([subgraph])),
      shutdown: { delay: '500ms' },
    });
    const stopped = gateway.stop();
    const { url } = gateway;
    const told = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query, variables }),
    });
    expect([told.status, await told.text()]).toEqual([200, expect.stringMatching(/^:\n\nretry: \d+\n\n$/)]);
    await stopped;
    expect(upstreams.opened).toEqual([]);
  });

  it('Apollo Client 4 is told why', async () => {
    const gateway = await start(0);
    const client = new ApolloClient({ link: new HttpLink({ uri: gateway.url }), cache: new InMemoryCache() });
    const results = new Queue<Json>();
    client.subscribe({ query: gql(query), variables }).subscribe({ next: (result) => results.push(result) });
    await opened();
    await gateway.stop();
    const { error } = await results.next();
    expect(CombinedProtocolErrors.is(error)).toBe(true);
    expect(error.errors[0].extensions.code).toBe('SHUTTING_DOWN');
  });
});
