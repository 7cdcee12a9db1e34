/**
 * AppSync's real-time protocol: `aws-appsync-subscription-link` as it is installed, and frames by hand, over real sockets.
 * Over 300 lines: each mode, and each way to be refused.
 */
import { createHash } from 'node:crypto';
import { ApolloClient, gql, InMemoryCache } from '@apollo/client/core';
import { AUTH_TYPE, type AuthOptions } from 'aws-appsync-auth-link';
import { createSubscriptionHandshakeLink } from 'aws-appsync-subscription-link';
import { WebSocket } from 'ws';
import { gapEvent, upstreams } from '../support/held-upstreams';
import { watchIdentities } from '../support/identities';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { openWebSocket, type WebSocketClient } from '../support/web-socket-client';

let connections = 0;

/** The clients take that of the page, and Node 20 has none. */
class PageWebSocket extends WebSocket {
  constructor(url: string, protocols?: string[]) {
    super(url, protocols);
    connections++;
  }
}
Object.assign(globalThis, { WebSocket: PageWebSocket });

/** The link leaves timers of up to five minutes, and a process waits for its timers. */
const startTimer = globalThis.setTimeout;
jest.spyOn(globalThis, 'setTimeout').mockImplementation((...given) => startTimer(...given).unref());

const shop = {
  name: 'shop',
  typeDefs: `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
    type Query { price: Int }
    type Subscription { repriced(upc: ID!): Price  secret: Price @authenticated  sold: Price! }
    type Price { upc: ID!  price: Int }`,
  url: 'http://shop.test/graphql',
};

const credentials = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let issuer: TokenIssuer;
let pool: TokenIssuer;
let gateway: TestGateway;
let opened: { close(): void }[];

beforeAll(async () => {
  [issuer, pool] = await Promise.all([startTokenIssuer(), startTokenIssuer()]);
  gateway = await startTestGateway({
    transport: upstreams,
    supergraph: sourceOf(compose([shop])),
    auth: {
      apiKeys: [{ client: 'app', sha256: sha256('da2-key') }],
      iam: { keys: [{ ...credentials, subject: 'u2' }] },
      oidc: [{ issuer: issuer.url, audience: 'shop' }],
      cognito: [{ userPool: 'eu-west-1_Shop', issuer: pool.url, clients: ['app-client'] }],
      lambda: {
        module: ({ authorizationToken }: { authorizationToken: string }) => ({
          isAuthorized: authorizationToken === 'custom-token',
          resolverContext: { sub: 'u7' },
        }),
      },
    },
    limits: { body: '16KiB' },
    subscriptions: { perConnection: 3 },
  });
});
const identities = watchIdentities();
beforeEach(() => {
  opened = [];
  connections = 0;
  identities.length = 0;
  upstreams.reset();
});
afterEach(async () => {
  for (const each of opened) each.close();
  // Equal subscriptions of the next test would share what is still open.
  while (upstreams.open.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([issuer.close(), pool.close()]);
});

const subscription = 'subscription ($upc: ID!) { repriced(upc: $upc) { upc price } }';
const untilOpen = async (count = 1): Promise<void> => {
  while (upstreams.open.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
};
const repriced = (price: number) => ({ repriced: { upc: '1', price } });
const poolToken = () =>
  pool.token({ aud: undefined as unknown as string, token_use: 'access', client_id: 'app-client' });

describe('aws-appsync-subscription-link', () => {
  function clientFor(auth: AuthOptions, url = gateway.url): ApolloClient {
    const link = createSubscriptionHandshakeLink({ url, region: 'eu-west-1', auth } as never);
    return new ApolloClient({ link, cache: new InMemoryCache() });
  }

  /** All that an error says: Apollo Client keeps what the link throws as its cause. */
  const textOf = (error: Json): string => JSON.stringify([error.message, error.cause]);

  /** Subscribes; resolves with the results as they come, and with what ends it. */
  function subscribe(client: ApolloClient, query = subscription) {
    const results: Json[] = [];
    let wake: () => void = () => undefined;
    const failed = new Promise<Json>((resolve) => {
      const handle = client.subscribe({ query: gql(query), variables: { upc: '1' } }).subscribe({
        next: (result) => {
          // The link tells so that it is connected.
          if (result.data === undefined || result.data === null) {
            if (result.error) resolve(result.error);
            return;
          }
          results.push(result.data);
          wake();
        },
        error: resolve,
      });
      opened.push({ close: () => handle.unsubscribe() });
    });
    const next = async (): Promise<Json> => {
      while (results.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return results.shift();
    };
    return { next, failed };
  }

  it.each<[string, () => AuthOptions, string]>([
    ['an API key', () => ({ type: AUTH_TYPE.API_KEY, apiKey: 'da2-key' }), 'api-key'],
    ['OIDC', () => ({ type: AUTH_TYPE.OPENID_CONNECT, jwtToken: () => issuer.token() }), 'oidc'],
    ['a user pool', () => ({ type: AUTH_TYPE.AMAZON_COGNITO_USER_POOLS, jwtToken: poolToken }), 'cognito'],
    ['a Lambda authoriser', () => ({ type: AUTH_TYPE.AWS_LAMBDA, token: 'custom-token' }), 'lambda'],
    ['IAM', () => ({ type: AUTH_TYPE.AWS_IAM, credentials }), 'iam'],
  ])('with %s gets events over one connection', async (_, auth, mode) => {
    const client = clientFor(auth());
    const { next } = subscribe(client);
    await untilOpen();
    for (const price of [5, 6]) {
      upstreams.give({ repriced: { __typename: 'Price', upc: '1', price } });
      expect(await next()).toMatchObject(repriced(price));
    }
    expect(connections).toBe(1);
    expect(identities.map((identity: Json) => identity.mode)).toContain(mode);
  });

  it.each<[string, () => AuthOptions]>([
    ['a wrong key', () => ({ type: AUTH_TYPE.API_KEY, apiKey: 'wrong' })],
    [
      'an expired token',
      () => ({ type: AUTH_TYPE.OPENID_CONNECT, jwtToken: () => issuer.token({ exp: inSeconds(-60) }) }),
    ],
    ['a token that is denied', () => ({ type: AUTH_TYPE.AWS_LAMBDA, token: 'other' })],
    [
      'another secret',
      () => ({ type: AUTH_TYPE.AWS_IAM, credentials: { ...credentials, secretAccessKey: 'x' } }),
    ],
  ])('with %s is refused, and tries once', async (_, auth) => {
    const { failed } = subscribe(clientFor(auth()));
    const error = await failed;
    expect(textOf(error)).toContain('UnauthorizedException');
    expect(connections).toBe(1);
  });

  it('is told what is wrong with a subscription, while others of the connection live on', async () => {
    const client = clientFor({ type: AUTH_TYPE.API_KEY, apiKey: 'da2-key' });
    const good = subscribe(client);
    await untilOpen();
    const error = await subscribe(client, 'subscription { unknown }').failed;
    expect(textOf(error)).toMatch(/Cannot query field .*unknown.* on type .*Subscription/);
    upstreams.give({ repriced: { upc: '1', price: 7 } });
    expect(await good.next()).toMatchObject(repriced(7));
    expect(connections).toBe(1);
  });

  it('is told that the gateway stops', async () => {
    const other = await startTestGateway({ transport: upstreams, supergraph: sourceOf(compose([shop])) });
    const { failed } = subscribe(clientFor({ type: AUTH_TYPE.API_KEY, apiKey: 'any' }, other.url));
    await untilOpen();
    await other.stop();
    expect(textOf(await failed)).toContain('Connection closed');
  });

  it('is told the errors of an event that fails as a whole, and the subscription goes on', async () => {
    const client = clientFor({ type: AUTH_TYPE.API_KEY, apiKey: 'da2-key' });
    const results: Json[] = [];
    const two = new Promise<void>((resolve, reject) => {
      const handle = client.subscribe({ query: gql('subscription { sold { upc price } }') }).subscribe({
        next: (result) => {
          // The link tells so that it is connected.
          if (!result.data && !result.error) return;
          if (results.push(result) === 2) resolve();
        },
        error: reject,
      });
      opened.push({ close: () => handle.unsubscribe() });
    });
    await untilOpen();
    upstreams.give({ sold: null });
    upstreams.give({ sold: { upc: '1', price: 7 } });
    await two;
    expect(results[0].error.message).toMatch(/^Cannot return null for non-nullable field/);
    expect(results[0].data).toBeUndefined();
    expect(results[1]).toMatchObject({ data: { sold: { upc: '1', price: 7 } } });
  });
});

describe('a frame', () => {
  const apiKey = { host: 'api.example', 'x-amz-date': '20270131T120000Z', 'x-api-key': 'da2-key' };
  const encode = (header: unknown): string => Buffer.from(JSON.stringify(header)).toString('base64url');

  async function open(header: unknown = apiKey, path = '/realtime'): Promise<WebSocketClient> {
    const client = await openWebSocket(`${gateway.url}${path}`, ['graphql-ws', `header-${encode(header)}`]);
    opened.push({ close: () => client.socket.terminate() });
    return client;
  }

  async function connected(header: unknown = apiKey, path?: string): Promise<WebSocketClient> {
    const client = await open(header, path);
    client.send({ type: 'connection_init' });
    expect(await client.next()).toEqual({
      type: 'connection_ack',
      payload: { connectionTimeoutMs: 300_000 },
    });
    expect(await client.next()).toEqual({ type: 'ka' });
    return client;
  }

  const start = (id: string, authorization: unknown = apiKey, query = subscription) => ({
    ...{ id, type: 'start' },
    payload: {
      data: JSON.stringify({ query, variables: { upc: id } }),
      extensions: { authorization },
    },
  });

  it('start is acknowledged when the source is open, not before', async () => {
    let accept: () => void = () => undefined;
    upstreams.accept = () => new Promise((resolve) => (accept = resolve));
    const client = await connected();
    client.send(start('a'));
    await untilOpen();
    const first = client.next();
    const early = await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))]);
    expect(early).toBe('nothing');
    accept();
    expect(await first).toEqual({ id: 'a', type: 'start_ack' });
    upstreams.give({ repriced: { upc: '1', price: 5 } });
    expect(await client.next()).toEqual({ id: 'a', type: 'data', payload: { data: repriced(5) } });
    client.send({ id: 'a', type: 'stop' });
    expect(await client.next()).toEqual({ id: 'a', type: 'complete' });
    while (upstreams.open.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('tells of a gap with the next event, as clients pass over results without data', async () => {
    const client = await connected();
    client.send(start('a'));
    expect(await client.next()).toEqual({ id: 'a', type: 'start_ack' });
    upstreams.opened[0]!.events.give(gapEvent);
    upstreams.give({ repriced: { upc: '1', price: 5 } });
    const payload = { data: repriced(5), extensions: { weir: { gap: true } } };
    expect(await client.next()).toEqual({ id: 'a', type: 'data', payload });
  });

  it.each(['', '/realtime'])('is understood at the path "%s"', async (path) => {
    await connected(apiKey, path);
  });

  it('of a client that sends the header object in the query string is understood', async () => {
    const header = Buffer.from(JSON.stringify(apiKey)).toString('base64');
    const query = `?header=${encodeURIComponent(header)}&payload=e30=`;
    const client = await openWebSocket(`${gateway.url}/realtime${query}`, ['graphql-ws']);
    opened.push({ close: () => client.socket.terminate() });
    client.send({ type: 'connection_init' });
    expect((await client.next()).type).toBe('connection_ack');
  });

  it.each<[string, unknown, string]>([
    ['no credentials', {}, 'The request has no credentials.'],
    ['a wrong key', { 'x-api-key': 'wrong' }, 'The API key is not known.'],
  ])('connection_init with %s is answered with an error that clients stop at', async (_, header, message) => {
    const client = await open(header);
    client.send({ type: 'connection_init' });
    expect(await client.next()).toEqual({
      type: 'connection_error',
      payload: { errors: [{ errorType: 'UnauthorizedException', message, errorCode: 401 }] },
    });
    expect(await client.closed).toEqual({ code: 4401, reason: message });
  });

  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  it.each<[string, string, string]>([
    ['no Base64', '!', 'The header object of the handshake must be in Base64.'],
    ['Base64 with more behind it', 'e30=e30=', 'The header object of the handshake must be in Base64.'],
    ['no JSON', base64('x-api-key'), 'The header object of the handshake must be JSON.'],
    ['half of its JSON', base64('{"x-api-key":"da2-k'), 'The header object of the handshake must be JSON.'],
    ['nothing', '', 'The header object of the handshake must be JSON.'],
    ['bytes that are no text', '_w', 'The header object of the handshake must be JSON.'],
    ['text', base64('"x"'), 'The header object of the handshake must be a JSON object.'],
    ['a list', base64('[]'), 'The header object of the handshake must be a JSON object.'],
    ['null', base64('null'), 'The header object of the handshake must be a JSON object.'],
  ])(
    'connection_init after a header object that is %s is answered with 400 and why',
    async (_, header, message) => {
      const inQuery = [`/realtime?header=${encodeURIComponent(header)}`, ['graphql-ws']] as const;
      const inProtocol = ['/realtime', ['graphql-ws', `header-${header}`]] as const;
      // A sub-protocol has no padding.
      for (const [path, offered] of header.includes('=') ? [inQuery] : [inQuery, inProtocol]) {
        const client = await openWebSocket(`${gateway.url}${path}`, offered);
        client.send({ type: 'connection_init' });
        expect(await client.next()).toEqual({
          type: 'connection_error',
          payload: { errors: [{ errorType: 'BadRequestException', message, errorCode: 400 }] },
        });
        expect(await client.closed).toEqual({ code: 4400, reason: message });
      }
    },
  );

  const another = JSON.stringify({ 'x-api-key': 'another' });
  it.each<[string, string, readonly string[]]>([
    ['sub-protocol and query string', `?header=${base64(another)}`, []],
    ['two sub-protocols', '', [another]],
  ])(
    'connection_init after header objects that differ in %s is answered with 400',
    async (_, query, more) => {
      const offered = [JSON.stringify(apiKey), ...more].map(
        (object) => `header-${Buffer.from(object).toString('base64url')}`,
      );
      const client = await openWebSocket(`${gateway.url}/realtime${query}`, ['graphql-ws', ...offered]);
      opened.push({ close: () => client.socket.terminate() });
      client.send({ type: 'connection_init' });
      const message = 'The handshake has two header objects that differ.';
      expect(await client.next()).toEqual({
        type: 'connection_error',
        payload: { errors: [{ errorType: 'BadRequestException', message, errorCode: 400 }] },
      });
    },
  );

  describe('after a handshake with large headers', () => {
    /** A header object of so many bytes; clients may put more into it than the gateway reads. */
    const objectOf = (bytes: number) => ({ ...apiKey, more: 'x'.repeat(bytes) });

    it('of 13.2 KB of token is understood', async () => {
      const token = await issuer.token({ groups: Array.from({ length: 1000 }, (_, i) => `group${i}`) });
      expect(token.length).toBeGreaterThan(13_200);
      const authorization = { host: 'api.example', Authorization: token };
      const client = await connected(authorization);
      client.send(start('a', authorization));
      expect(await client.next()).toEqual({ id: 'a', type: 'start_ack' });
    });

    it('of 48 KiB is understood, in the sub-protocol and in the query string', async () => {
      await connected(objectOf(36_000));
      const query = `?header=${encodeURIComponent(base64(JSON.stringify(objectOf(36_000))))}&payload=e30=`;
      const client = await openWebSocket(`${gateway.url}${query}`, ['graphql-ws']);
      opened.push({ close: () => client.socket.terminate() });
      client.send({ type: 'connection_init' });
      expect((await client.next()).type).toBe('connection_ack');
    });

    it.each<[string, string[], string, number]>([
      ['of which much is not the header object', ['graphql-ws', `header-${encode(apiKey)}`], '', 17_000],
      ['in another protocol', ['graphql-transport-ws', `x-${'x'.repeat(17_000)}`], '', 0],
      ['at another path', ['graphql-ws', `header-${encode(objectOf(17_000))}`], '/other', 0],
      ['over 64 KiB', ['graphql-ws', `header-${encode(objectOf(50_000))}`], '', 0],
    ])('%s is refused with 431', async (_, protocols, path, cookie) => {
      const headers = { cookie: 'x'.repeat(cookie) };
      await expect(openWebSocket(`${gateway.url}${path}`, protocols, { headers })).rejects.toThrow('431');
    });
  });

  it('start has credentials of its own: modes mix on one connection', async () => {
    const client = await connected();
    client.send(start('a'));
    expect(await client.next()).toEqual({ id: 'a', type: 'start_ack' });
    client.send(start('b', { Authorization: await issuer.token(), host: 'api.example' }));
    expect(await client.next()).toEqual({ id: 'b', type: 'start_ack' });
    client.send(start('c', { Authorization: 'custom-token', host: 'api.example' }));
    expect(await client.next()).toEqual({ id: 'c', type: 'start_ack' });
  });

  it.each<[string, () => unknown, string, string]>([
    ['a wrong key', () => ({ 'x-api-key': 'wrong' }), 'BadRequestException', 'The API key is not known.'],
    ['no credentials', () => ({}), 'BadRequestException', 'The request has no credentials.'],
    [
      'an expired token',
      async () => ({ Authorization: await issuer.token({ exp: inSeconds(-60) }) }),
      'UnauthorizedException',
      'The token has expired.',
    ],
  ])(
    'start with %s is refused, and the connection lives on',
    async (_, authorization, errorType, message) => {
      const client = await connected();
      client.send(start('a', await authorization()));
      expect(await client.next()).toEqual({
        ...{ id: 'a', type: 'error' },
        payload: { errors: [{ errorType, message }] },
      });
      client.send(start('a'));
      expect(await client.next()).toEqual({ id: 'a', type: 'start_ack' });
    },
  );

  it.each<[string, Json, string, RegExp]>([
    ['is not valid', start('a', apiKey, 'subscription { unknown }'), 'BadRequestException', /unknown/],
    ['is no operation', { id: 'a', type: 'start', payload: {} }, 'BadRequestException', /payload.data/],
    [
      'is no JSON',
      { id: 'a', type: 'start', payload: { data: '{', extensions: { authorization: apiKey } } },
      'BadRequestException',
      /JSON/,
    ],
    ['has an unknown type', { id: 'a', type: 'subscribe' }, 'UnsupportedOperation', /not supported/],
  ])('that %s is refused with its sentence', async (_, message, errorType, sentence) => {
    const client = await connected();
    client.send(message);
    const { id, type, payload } = await client.next();
    expect([id, type, payload.errors[0].errorType]).toEqual(['a', 'error', errorType]);
    expect(payload.errors[0].message).toMatch(sentence);
  });

  it('start with an operation as large as `limits.body` is taken, though its quotation marks take two bytes', async () => {
    const client = await connected();
    const quotes = { upc: '"'.repeat(8000) };
    client.send({
      ...{ id: 'a', type: 'start' },
      payload: {
        data: JSON.stringify({ query: subscription, variables: quotes }),
        extensions: { authorization: apiKey },
      },
    });
    expect(await client.next()).toEqual({ id: 'a', type: 'start_ack' });
    expect(String(upstreams.open[0]!.request.variables)).toBe(JSON.stringify(quotes));
  });

  it('start beyond `subscriptions.perConnection`, or with an id in use, is refused', async () => {
    const client = await connected();
    for (const id of ['a', 'b', 'c']) {
      client.send(start(id));
      expect(await client.next()).toEqual({ id, type: 'start_ack' });
    }
    client.send(start('a'));
    expect((await client.next()).payload.errors[0].message).toBe('The id a is in use.');
    client.send(start('d'));
    expect((await client.next()).payload.errors[0].errorType).toBe('MaxSubscriptionsReachedError');
  });

  it('tells that a stream has come to its end as an error, which clients read', async () => {
    const client = await connected();
    client.send(start('a'));
    expect(await client.next()).toEqual({ id: 'a', type: 'start_ack' });
    for (const { events } of upstreams.open) events.end();
    // What has ended need not be closed.
    upstreams.reset();
    expect(await client.next()).toEqual({
      ...{ id: 'a', type: 'error' },
      payload: {
        errors: [{ errorType: 'BadRequestException', message: 'The subscription has come to its end.' }],
      },
    });
  });

  it('before connection_init closes the connection', async () => {
    const client = await open();
    client.send(start('a'));
    expect((await client.next()).type).toBe('connection_error');
    expect((await client.closed).code).toBe(4401);
  });

  it('of a page that may not connect is answered with the reason', async () => {
    const client = await openWebSocket(
      `${gateway.url}/realtime`,
      ['graphql-ws', `header-${encode(apiKey)}`],
      { origin: 'https://evil.example' },
    );
    opened.push({ close: () => client.socket.terminate() });
    client.send({ type: 'connection_init' });
    const message = 'Pages of https://evil.example may not connect.';
    expect(await client.next()).toEqual({
      type: 'connection_error',
      payload: { errors: [{ errorType: 'BadRequestException', message, errorCode: 400 }] },
    });
    expect(await client.closed).toEqual({ code: 4400, reason: message });
  });
});
