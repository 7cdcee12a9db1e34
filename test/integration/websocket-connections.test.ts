/**
 * WebSocket connections as such: what keeps, bounds and ends them, whatever goes over them. Over 300 lines: a case for each
 * bound.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as aws4 from 'aws4';
import type { GatewayOptions, OptionsInput } from '../../gateway';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';
import { connectWebSocket, openWebSocket, type WebSocketClient } from '../support/web-socket-client';

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
});
afterEach(() => gateway.stop());
afterAll(() => graph.close());

async function start(options: Omit<GatewayOptions, 'supergraph'> = {}): Promise<void> {
  gateway = await startTestGateway({ ...options, supergraph: sourceOf(graph.supergraphSdl) });
}

const me = { query: '{ me { name } }' };
const ada = { data: { me: { name: 'Ada' } } };

async function ask(client: WebSocketClient, payload: unknown, id = 'a'): Promise<Json> {
  client.send({ id, type: 'subscribe', payload });
  const first = await client.next();
  if (first.type === 'next') expect((await client.next()).type).toBe('complete');
  return first.payload;
}

it('open over TLS beside HTTP/2 on one port', async () => {
  const files = join(__dirname, '../support/tls');
  await start({ tls: { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') } });
  const url = gateway.url.replace('127.0.0.1', 'localhost');
  const client = await connectWebSocket(url, undefined, { ca: certificate });
  expect(await ask(client, me)).toEqual(ada);
  const session = connectHttp2(new URL(url).origin, { ca: certificate });
  const stream = session.request({
    ...{ ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json' },
  });
  stream.end(JSON.stringify(me));
  const [headers] = (await once(stream, 'response')) as [Json];
  expect(headers[':status']).toBe(200);
  session.destroy();
  client.socket.terminate();
});

it('live on when options change, and the next operation has the new ones', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, graph.supergraphSdl);
  const options = { supergraph, port: 0, admin: { port: 0 } };
  gateway = await startTestGateway(options);
  const client = await connectWebSocket(gateway.url);
  expect(await ask(client, me)).toEqual(ada);
  await gateway.reload(() => ({ ...options, limits: { depth: 1 } }));
  expect((await ask(client, me))[0].extensions.code).toBe('MAX_DEPTH_LIMIT');
  client.socket.terminate();
  rmSync(folder, { recursive: true });
});

it('that were opened with a signature are closed when an operation follows new options of who may sign', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, graph.supergraphSdl);
  const key = { accessKeyId: 'AKIDOLD', secretAccessKey: 'secret' };
  const withKeys = (...keys: (typeof key)[]): OptionsInput => ({
    ...{ supergraph, port: 0, admin: { port: 0 } },
    auth: { iam: { keys }, anonymous: true },
  });
  const other = { ...key, accessKeyId: 'AKIDNEW' };
  gateway = await startTestGateway(withKeys(key, other));
  const { headers } = aws4.sign(
    {
      ...{ host: new URL(gateway.url).host, method: 'POST', path: '/graphql/connect', body: '{}' },
      ...{ service: 'appsync', region: 'eu-central-1', headers: { 'Content-Type': 'application/json' } },
      ...{ extraHeadersToIgnore: { 'content-length': true } },
    },
    key,
  );
  const client = await connectWebSocket(gateway.url, headers);
  expect(await ask(client, me)).toEqual(ada);
  await gateway.reload(() => ({ ...withKeys(key, other), limits: { depth: 10 } }));
  expect(await ask(client, me)).toEqual(ada);
  await gateway.reload(() => withKeys(other));
  client.send({ id: 'a', type: 'subscribe', payload: me });
  await expect(client.next()).rejects.toThrow(
    'The connection was closed with 1012: Who may sign has changed: connect again, with a new signature.',
  );
  rmSync(folder, { recursive: true });
});

it('are closed with 1001 when the gateway stops, each when its queries are answered', async () => {
  await start({ shutdown: { grace: '5s' } });
  const idle = await connectWebSocket(gateway.url);
  const busy = await connectWebSocket(gateway.url);
  let answer: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    graph.accounts.answer = (_, response) => {
      answer = () => response.end('{"data":{"user":null}}');
      resolve();
    };
  });
  busy.send({ id: 'a', type: 'subscribe', payload: { query: '{ user(id: "slow") { name } }' } });
  await asked;
  const stopped = gateway.stop();
  expect(await idle.closed).toEqual({ code: 1001, reason: 'The gateway is shutting down.' });
  await wait(100);
  // Is not begun: its client sends it again elsewhere.
  busy.send({ id: 'b', type: 'subscribe', payload: me });
  answer();
  expect(await busy.next()).toMatchObject({ id: 'a', type: 'next', payload: { data: { user: null } } });
  expect(await busy.next()).toEqual({ id: 'a', type: 'complete' });
  expect((await busy.closed).code).toBe(1001);
  graph.accounts.answer = undefined;
  await stopped;
});

it('beyond `subscriptions.connections` are closed with 1013: the newest of the address with the most', async () => {
  await start({ subscriptions: { connections: 3 }, trustedProxies: ['127.0.0.1'] });
  const from = (address: string) =>
    openWebSocket(gateway.url, undefined, { headers: { 'x-forwarded-for': address } });
  const many = [await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1')];
  const other = await from('192.0.2.2');
  expect(await many[2]!.closed).toEqual({
    code: 1013,
    reason: 'There are too many connections at this moment.',
  });
  for (const client of [many[0]!, many[1]!, other]) {
    client.send({ type: 'connection_init' });
    expect(await client.next()).toEqual({ type: 'connection_ack' });
    client.socket.terminate();
  }
});

describe.each<[string, (credentials: Json) => Promise<WebSocketClient>, Json]>([
  [
    'graphql-transport-ws',
    async (credentials) => {
      const client = await openWebSocket(gateway.url);
      client.send({ type: 'connection_init', payload: credentials });
      return client;
    },
    undefined,
  ],
  [
    'AppSync',
    async (credentials) => {
      const header = Buffer.from(JSON.stringify(credentials)).toString('base64url');
      const client = await openWebSocket(`${gateway.url}/realtime?header=${header}`, ['graphql-ws']);
      client.send({ type: 'connection_init' });
      return client;
    },
    (message: string) => ({
      type: 'connection_error',
      payload: { errors: [{ errorType: 'LimitExceededError', message, errorCode: 429 }] },
    }),
  ],
])('of one caller over %s', (_, connect, errorOf) => {
  const apiKeys = ['one', 'other'].map((name) => ({
    client: name,
    sha256: createHash('sha256').update(name).digest('hex'),
  }));
  const one = { 'x-api-key': 'one' };
  const clients: WebSocketClient[] = [];
  afterEach(() => {
    for (const { socket } of clients.splice(0)) socket.terminate();
  });
  async function accepted(credentials: Json): Promise<WebSocketClient> {
    const client = await connect(credentials);
    expect(await client.next()).toMatchObject({ type: 'connection_ack' });
    clients.push(client);
    return client;
  }
  async function refused(credentials: Json, message: string): Promise<void> {
    const client = await connect(credentials);
    if (errorOf !== undefined) expect(await client.next()).toEqual(errorOf(message));
    expect(await client.closed).toEqual({ code: 1013, reason: message });
  }
  async function open(count: number): Promise<void> {
    const metric = /^weir_websocket_connections\{.* (\d+)$/gm;
    const counted = async (): Promise<number> =>
      [...(await gateway.metrics()).matchAll(metric)].reduce((sum, [, each]) => sum + Number(each), 0);
    while ((await counted()) !== count) await wait(20);
  }

  it('are refused beyond `subscriptions.connectionsPerIdentity`, until one is closed', async () => {
    await start({ auth: { apiKeys, anonymous: true }, subscriptions: { connectionsPerIdentity: 2 } });
    const [first] = [await accepted(one), await accepted(one)];
    await refused(one, 'You have 2 connections already, which is the most.');
    await refused(one, 'You have 2 connections already, which is the most.');
    await accepted({ 'x-api-key': 'other' });
    for (let i = 0; i < 3; i++) await accepted({});
    first.socket.close();
    await open(5);
    await accepted(one);
    await refused(one, 'You have 2 connections already, which is the most.');
  });

  it('do not count where the client left while its credentials were checked', async () => {
    let asked: () => void;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    let answer: (value: unknown) => void;
    const answered = new Promise((resolve) => (answer = resolve));
    await start({
      auth: {
        lambda: {
          module: () => {
            asked();
            return answered;
          },
        },
      },
      subscriptions: { connectionsPerIdentity: 1 },
    });
    const token = { authorization: 'custom-token' };
    const early = await connect(token);
    await isAsked;
    early.socket.terminate();
    await open(0);
    answer!({ isAuthorized: true, resolverContext: { sub: 'u1' } });
    await accepted(token);
    await refused(token, 'You have 1 connection already, which is the most.');
  });
});

it('on which nothing comes are pinged, and cut when no answer comes', async () => {
  await start({ subscriptions: { heartbeat: '1s' } });
  const alive = await connectWebSocket(gateway.url);
  const dead = await connectWebSocket(gateway.url);
  (dead.socket as unknown as { _socket: Socket })._socket.pause();
  await once(alive.socket, 'ping');
  while (!(await gateway.metrics()).includes('weir_websocket_connections{protocol="graphql-transport-ws"} 1'))
    await wait(100);
  expect(await ask(alive, me)).toEqual(ada);
  alive.socket.terminate();
  dead.socket.terminate();
});

it('are counted by protocol and by the code of their close', async () => {
  await start();
  const client = await openWebSocket(gateway.url, ['soap']);
  await client.closed;
  expect(await gateway.metrics()).toContain('weir_websocket_closes_total{code="4406"} 1');
});

it('take thousands of operations, more than may run at once, without harm to others', async () => {
  const limit = 10;
  await start({ subscriptions: { perConnection: limit } });
  const [greedy, other] = [await connectWebSocket(gateway.url), await connectWebSocket(gateway.url)];
  // Those that may run wait.
  graph.accounts.answer = () => undefined;
  const count = 1000;
  let answered = 0;
  greedy.socket.on('message', () => answered++);
  for (let i = 0; i < count; i++) greedy.send({ id: `${i}`, type: 'subscribe', payload: me });
  expect(await ask(other, { query: '{ __typename }' })).toEqual({ data: { __typename: 'Query' } });
  // They take turns: whoever sends more does not come first.
  expect(answered).toBeLessThan(count / 2);
  const refused = new Set<string>();
  while (refused.size < count - limit) {
    const { id, type, payload } = await greedy.next();
    expect([type, payload[0].extensions.code]).toEqual(['error', 'MAX_CONNECTION_OPERATIONS_LIMIT']);
    refused.add(id);
  }
  graph.accounts.answer = undefined;
  greedy.socket.terminate();
  other.socket.terminate();
});

it('that never introduce themselves are all closed, and harm nobody', async () => {
  await start({ subscriptions: { initTimeout: '300ms' } });
  const silent = await Promise.all(Array.from({ length: 200 }, () => openWebSocket(gateway.url)));
  const other = await connectWebSocket(gateway.url);
  expect(await ask(other, me)).toEqual(ada);
  const codes = await Promise.all(silent.map(async ({ closed }) => (await closed).code));
  expect(new Set(codes)).toEqual(new Set([4408]));
  expect(await ask(other, me)).toEqual(ada);
  other.socket.terminate();
  while (!(await gateway.metrics()).includes('weir_websocket_connections{protocol="graphql-transport-ws"} 0'))
    await wait(20);
});

it('are closed with 1009 for fragments without end', async () => {
  await start({ limits: { body: '16KiB' } });
  const client = await connectWebSocket(gateway.url);
  for (let i = 0; i < 2000; i++) client.socket.send('x'.repeat(100), { fin: false });
  expect((await client.closed).code).toBe(1009);
});

it('are closed for very many small fragments', async () => {
  await start();
  const client = await connectWebSocket(gateway.url);
  for (let i = 0; i < 20_000; i++) client.socket.send('x', { fin: false });
  expect((await client.closed).code).toBe(1008);
});

it('refuse variables that are nested 100,000 levels deep, and live on', async () => {
  await start();
  const client = await connectWebSocket(gateway.url);
  // `JSON.stringify` fails at 5,000 levels.
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  client.send(
    `{"id":"b","type":"subscribe","payload":{"query":"query ($id: ID!) { user(id: $id) { id } }","variables":{"id":${deep}}}}`,
  );
  const { type, payload } = await client.next();
  expect([type, payload[0].extensions.code]).toEqual(['error', 'BAD_USER_INPUT']);
  expect(await ask(client, me)).toEqual(ada);
  client.socket.terminate();
});

it('are closed with 1008 for operations that are stopped before their answers, again and again', async () => {
  await start();
  const client = await connectWebSocket(gateway.url);
  // None is answered, and on a busy machine, too, they come at once.
  graph.accounts.answer = () => undefined;
  const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
  const beginAndStop = (count: number): void => {
    for (let i = 0; i < count; i++) {
      client.send({ id: 'a', type: 'subscribe', payload: me });
      client.send({ id: 'a', type: 'complete' });
    }
  };
  beginAndStop(200);
  expect(await ask(client, { query: '{ __typename }' })).toEqual({ data: { __typename: 'Query' } });
  beginAndStop(1);
  expect(await client.closed).toEqual({
    code: 1008,
    reason: 'Too many operations were stopped before their answers.',
  });
  clock.mockRestore();
  graph.accounts.answer = undefined;
});

it('are cut where too much waits for clients that only ping', async () => {
  await start({ overload: { unread: '512KiB' }, logging: { level: 'warn' } });
  const client = await openWebSocket(gateway.url);
  (client.socket as unknown as { _socket: Socket })._socket.pause();
  const ping = JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(60_000) } });
  // The buffers of the system take some megabytes.
  for (let i = 0; i < 200; i++) client.send(ping);
  while (gateway.log.length === 0) await wait(20);
  expect(gateway.log).toMatchObject([
    { connections: 1, msg: 'clients do not read their messages: connections were cut' },
  ]);
  client.socket.terminate();
});

it('are asked by the system whether their clients are there', async () => {
  const keepAlive = jest.spyOn(Socket.prototype, 'setKeepAlive');
  await start();
  const client = await connectWebSocket(gateway.url);
  expect(keepAlive).toHaveBeenCalledWith(true, 30_000);
  keepAlive.mockRestore();
  client.socket.terminate();
});
