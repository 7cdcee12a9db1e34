/** Tokens in a header of their own, from clients over HTTP, event streams and WebSockets to what subgraphs get. */
import { createClient as createStreamClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { GatewayOptions } from '../../gateway';
import { upstreams } from '../support/held-upstreams';
import { watchIdentities } from '../support/identities';
import { Queue } from '../support/queue';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSmallGraph, type SmallGraph } from '../support/small-graph';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { openWebSocket, webSocketUrl } from '../support/web-socket-client';

/** Its events are the test's. */
const news = {
  name: 'news',
  typeDefs: `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { news: Int }
    type Subscription { joined: User }
    type User @key(fields: "id") { id: ID! }`,
  url: 'http://news.test/graphql',
};

let graph: SmallGraph;
let issuer: TokenIssuer;
let partner: TokenIssuer;
let gateway: TestGateway;
const identities = watchIdentities();

const start = (more: Omit<GatewayOptions, 'supergraph'> = {}): Promise<TestGateway> =>
  startTestGateway({
    transport: upstreams,
    supergraph: sourceOf(compose([graph.accounts, graph.reviews, news])),
    headers: { forward: ['*'] },
    auth: {
      oidc: [
        { issuer: issuer.url, audience: 'shop', header: 'x-jwt', prefix: 'Token' },
        { issuer: partner.url, audience: 'shop' },
      ],
    },
    ...more,
  });

beforeAll(async () => {
  [graph, issuer, partner] = await Promise.all([startSmallGraph(), startTokenIssuer(), startTokenIssuer()]);
  gateway = await start();
});
beforeEach(() => {
  identities.length = 0;
  graph.accounts.requests.length = 0;
});
afterEach(() => {
  graph.accounts.headers = {};
  upstreams.reset();
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([graph.close(), issuer.close(), partner.close()]);
});

const me = { query: '{ me { name } }' };
const joined = { query: 'subscription { joined { name } }' };
const event = { joined: { __typename: 'User', id: 'u1' } };
const ada = { joined: { name: 'Ada' } };

async function ask(headers: Record<string, string>, to = gateway) {
  const answer = await to.post(me, { headers });
  const { data, errors } = (await answer.json()) as Json;
  return { status: answer.status, data, reason: errors?.[0].message, headers: answer.headers };
}

const sentHeaders = (): (string | undefined)[] =>
  graph.accounts.requests.map(({ headers }) => headers['x-jwt'] as string | undefined);

describe('over HTTP', () => {
  it('is the caller, and no pattern forwards it', async () => {
    const token = await issuer.token();
    expect(await ask({ 'X-JWT': `Token ${token}`, 'x-shop': 'a' })).toMatchObject({ status: 200 });
    expect(identities[0]).toMatchObject({ mode: 'oidc', issuer: issuer.url, subject: 'u1' });
    expect(graph.accounts.requests[0]!.headers).toMatchObject({ 'x-shop': 'a' });
    expect(sentHeaders()).toEqual([undefined]);
  });

  it('is forwarded by its name, or under another', async () => {
    const own = await start({ headers: { forward: ['X-Jwt'], rename: { 'x-jwt': 'x-caller' } } });
    const value = `Token ${await issuer.token()}`;
    expect(await ask({ 'x-jwt': value }, own)).toMatchObject({ status: 200 });
    expect(graph.accounts.requests[0]!.headers).toMatchObject({ 'x-jwt': value, 'x-caller': value });
    await own.stop();
  });

  it('makes answers private: no other caller gets one, and caches learn of it', async () => {
    graph.accounts.headers = { 'cache-control': 'private, max-age=60' };
    const own = await start({ headers: { forward: ['x-jwt'] } });
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((sub) => issuer.token({ sub })));
    for (const token of [ada, bob, bob]) {
      const { headers } = await ask({ 'x-jwt': token! }, own);
      expect(headers.get('vary')?.toLowerCase()).toContain('x-jwt');
      expect(headers.get('cache-control')).toMatch(/private/);
    }
    expect(sentHeaders()).toEqual([ada, bob]);
    await own.stop();
  });

  it('has public answers shared, as `authorization` has', async () => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=60' };
    const own = await start({ headers: { forward: ['x-jwt'] } });
    for (const sub of ['ada', 'bob']) await ask({ 'x-jwt': await issuer.token({ sub }) }, own);
    expect(graph.accounts.requests.length).toBe(1);
    await own.stop();
  });

  it('is refused with 401 where it is wrong, in the wrong header, or not alone', async () => {
    const [ours, theirs] = [await issuer.token(), await partner.token()];
    const ofNoKind = (header: string) => expect.stringContaining(`The ${header} header is of no kind`);
    expect(await ask({ 'x-jwt': `Bearer ${ours}` })).toMatchObject({
      status: 401,
      reason: ofNoKind('x-jwt'),
    });
    expect(await ask({ authorization: ours })).toMatchObject({
      ...{ status: 401, reason: ofNoKind('authorization') },
    });
    expect(await ask({ 'x-jwt': `Token ${ours.slice(0, -4)}AAAA` })).toMatchObject({
      ...{ status: 401, reason: 'The signature of the token is wrong.' },
    });
    expect(await ask({ 'x-jwt': `Token ${ours}`, authorization: `Bearer ${theirs}` })).toMatchObject({
      status: 401,
      reason: 'The request has credentials in more than one of these headers: x-jwt, authorization.',
    });
    expect(await ask({ authorization: `Bearer ${theirs}` })).toMatchObject({ status: 200 });
    expect(graph.accounts.requests.length).toBe(1);
    expect(JSON.stringify(gateway.log)).not.toContain(ours.slice(0, 40));
  });
});

describe('over an event stream', () => {
  it('lets the client of graphql-sse subscribe, or tells it why not', async () => {
    const results = new Queue<Json>();
    const token = await issuer.token();
    const client = createStreamClient({
      ...{ url: gateway.url, headers: { 'x-jwt': `Token ${token}` }, retryAttempts: 0 },
    });
    const stop = client.subscribe(joined, {
      next: (result) => results.push(result),
      error: (error) => results.push(error),
      complete: () => undefined,
    });
    while (upstreams.open.length === 0) await new Promise((later) => setTimeout(later, 5));
    upstreams.give(event);
    expect(await results.next()).toEqual({ data: ada });
    stop();
    client.dispose();
    const refused = await gateway.post(joined, {
      headers: { accept: 'text/event-stream', 'x-jwt': `Bearer ${token}` },
    });
    expect(await refused.text()).toContain('The x-jwt header is of no kind that is accepted here');
  });
});

describe('over graphql-transport-ws', () => {
  /** The results of an operation, or why the connection was refused. */
  async function all(
    connectionParams: Record<string, unknown>,
    query = me.query,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    class WithHeaders extends WebSocket {
      constructor(url: string, protocols: string) {
        super(url, protocols, { headers });
      }
    }
    const client = createClient({
      ...{ url: webSocketUrl(gateway.url), webSocketImpl: WithHeaders, connectionParams, retryAttempts: 0 },
      onNonLazyError: () => undefined,
    });
    try {
      const results: unknown[] = [];
      for await (const result of client.iterate({ query })) {
        results.push(result);
        if (query === joined.query) break;
      }
      return results;
    } catch (error) {
      const { code, reason } = error as { code: number; reason: string };
      return [code, reason];
    } finally {
      await client.dispose();
    }
  }

  it('is read from `connection_init`, and from the handshake', async () => {
    const value = `Token ${await issuer.token()}`;
    const answer = [{ data: { me: { name: 'Ada' } } }];
    expect(await all({ 'X-Jwt': value })).toEqual(answer);
    expect(await all({}, me.query, { 'x-jwt': value })).toEqual(answer);
    expect(identities.map(({ subject }) => subject)).toEqual(['u1', 'u1', 'u1', 'u1']);
    expect(sentHeaders()).toEqual([undefined, undefined]);
    const subscribed = all({ 'x-jwt': value }, joined.query);
    while (upstreams.open.length === 0) await new Promise((later) => setTimeout(later, 5));
    upstreams.give(event);
    expect(await subscribed).toEqual([{ data: ada }]);
  });

  it('is refused as over HTTP', async () => {
    const [ours, theirs] = [`Token ${await issuer.token()}`, `Bearer ${await partner.token()}`];
    expect(await all({ 'x-jwt': 'Token u1' })).toEqual([
      4401,
      expect.stringContaining('The x-jwt header is of no kind that is accepted here'),
    ]);
    expect(await all({ 'x-jwt': ours, authorization: theirs })).toEqual([
      4401,
      'The request has credentials in more than one of these headers: x-jwt, authorization.',
    ]);
    expect(await all({ 'x-jwt': ours }, me.query, { 'x-jwt': `${ours}.` })).toEqual([
      4400,
      'connectionParams: "x-jwt" is not the same as in the headers of the handshake.',
    ]);
    const twice = { headers: { 'x-jwt': [ours, ours] as unknown as string } };
    await expect(openWebSocket(gateway.url, undefined, twice)).rejects.toThrow('400');
  });
});

describe("over AppSync's protocol", () => {
  it('is read from the header object of the handshake, and from that of each operation', async () => {
    const host = new URL(gateway.url).host;
    const object = { host, 'X-Jwt': `Token ${await issuer.token()}` };
    const header = Buffer.from(JSON.stringify(object)).toString('base64url');
    const client = await openWebSocket(`${gateway.url}/realtime`, ['graphql-ws', `header-${header}`]);
    client.send({ type: 'connection_init' });
    expect(await client.next()).toMatchObject({ type: 'connection_ack' });
    expect(await client.next()).toMatchObject({ type: 'ka' });
    const start = (authorization: object) =>
      client.send({
        ...{ type: 'start', id: '1' },
        payload: { data: JSON.stringify(joined), extensions: { authorization } },
      });
    start({ host });
    expect(await client.next()).toMatchObject({
      type: 'error',
      payload: { errors: [{ message: 'The request has no credentials.' }] },
    });
    start(object);
    expect(await client.next()).toMatchObject({ type: 'start_ack' });
    upstreams.give(event);
    expect(await client.next()).toMatchObject({ type: 'data', payload: { data: ada } });
    client.socket.close();
    await client.closed;
  });
});
