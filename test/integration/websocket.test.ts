/** `graphql-transport-ws`, as the PROTOCOL.md of `graphql-ws` has it, over real sockets. Over 300 lines: a case for each of its rules. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { once } from 'node:events';
import { connect as connectTo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { GatewayOptions } from '../../gateway';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { connectWebSocket, openWebSocket, type WebSocketClient } from '../support/web-socket-client';

let graph: SmallGraph;
let gateway: TestGateway;
let clients: WebSocketClient[];

beforeAll(async () => {
  graph = await startSmallGraph();
});
beforeEach(() => {
  clients = [];
});
afterEach(() => {
  for (const { socket } of clients) socket.terminate();
});
afterAll(async () => {
  await Promise.all([...started.values()].map(async (each) => (await each).stop()));
  await graph.close();
});

/** One gateway for all tests with the same options. */
const started = new Map<string, Promise<TestGateway>>();

async function start(options: Omit<GatewayOptions, 'supergraph'> = {}): Promise<void> {
  const key = JSON.stringify(options);
  const known = started.get(key);
  const starting = known ?? startTestGateway({ ...options, supergraph: sourceOf(graph.supergraphSdl) });
  started.set(key, starting);
  gateway = await starting;
  gateway.log.length = 0;
}

async function open(
  ...[protocols, options]: [protocols?: string[], options?: Json]
): Promise<WebSocketClient> {
  const client = await openWebSocket(gateway.url, protocols, options);
  clients.push(client);
  return client;
}

async function connect(payload?: Record<string, unknown>, options?: Json): Promise<WebSocketClient> {
  const client = await connectWebSocket(gateway.url, payload, options);
  clients.push(client);
  return client;
}

/** The socket below it, to which frames can be written that `ws` does not write. */
const rawSocket = ({ socket }: WebSocketClient): Socket => (socket as unknown as { _socket: Socket })._socket;

/** A frame of a client, whose mask changes nothing (RFC 6455, section 5.2). */
function clientFrame(opcode: number, text: string, { isFinal = true } = {}): Buffer {
  const payload = Buffer.from(text);
  const masked = 0x80;
  const length =
    payload.length < 126
      ? [masked | payload.length]
      : [masked | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([(isFinal ? 0x80 : 0) | opcode, ...length, 0, 0, 0, 0]), payload]);
}

const requestsIn = (log: readonly Json[]): Json[] => log.filter(({ msg }) => msg === 'request');

const me = { query: '{ me { name } }' };
const ada = { data: { me: { name: 'Ada' } } };
/** Sends an operation and returns its messages up to the last. */
async function ask(client: WebSocketClient, payload: unknown, id = 'a'): Promise<Json[]> {
  client.send({ id, type: 'subscribe', payload });
  const messages: Json[] = [];
  for (;;) {
    const message = await client.next();
    messages.push(message);
    if (message.type === 'complete' || message.type === 'error') return messages;
  }
}
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const keys = { apiKeys: [{ client: 'web', sha256: sha256('good') }] };

/** Has `accounts` never answer; tells when it is called, and when that call is aborted. */
function holdAccounts(): { readonly asked: Promise<void>; readonly aborted: Promise<void> } {
  let onAsked: () => void;
  let onAborted: () => void;
  const asked = new Promise<void>((resolve) => (onAsked = resolve));
  const aborted = new Promise<void>((resolve) => (onAborted = resolve));
  graph.accounts.answer = (_, response) => {
    response.on('close', () => onAborted());
    onAsked();
  };
  return { asked, aborted };
}

describe('an operation', () => {
  it('is answered with its result and its end, and logged like a request', async () => {
    await start();
    const client = await connect();
    expect(await ask(client, me)).toEqual([
      { id: 'a', type: 'next', payload: ada },
      { id: 'a', type: 'complete' },
    ]);
    while (requestsIn(gateway.log).length < 2) await wait(5);
    expect(requestsIn(gateway.log).map(({ status, operationType }) => [status, operationType])).toEqual([
      [101, undefined],
      [200, 'query'],
    ]);
  });

  it('may have the id of one that is complete, and any name', async () => {
    await start();
    const client = await connect();
    for (const id of ['a', 'a', '__proto__', 'toString', 'ä"\\\n'])
      expect((await ask(client, me, id)).map((each) => [each.id, each.type])).toEqual([
        [id, 'next'],
        [id, 'complete'],
      ]);
  });

  it('runs beside others of the connection', async () => {
    await start();
    const client = await connect();
    const ids = Array.from({ length: 50 }, (_, i) => `${i}`);
    for (const id of ids) client.send({ id, type: 'subscribe', payload: me });
    const ended = new Set<string>();
    while (ended.size < ids.length) {
      const message = await client.next();
      if (message.type === 'complete') ended.add(message.id);
      else expect(message.payload).toEqual(ada);
    }
  });

  it('with errors beside data is answered with both', async () => {
    await start();
    graph.reviews.answer = (_, response) => response.writeHead(500).end();
    const client = await connect();
    const [next, last] = await ask(client, { query: '{ me { name reviews { id } } }' });
    graph.reviews.answer = undefined;
    expect(next.payload.data).toEqual({ me: { name: 'Ada', reviews: null } });
    expect(next.payload.errors[0].extensions.code).toBe('SUBREQUEST_HTTP_ERROR');
    expect(last.type).toBe('complete');
  });

  it('that its client does not want any more is aborted', async () => {
    await start();
    const { asked, aborted } = holdAccounts();
    const client = await connect();
    client.send({ id: 'a', type: 'subscribe', payload: { query: '{ user(id: "gone") { name } }' } });
    await asked;
    client.send({ id: 'a', type: 'complete' });
    await aborted;
    graph.accounts.answer = undefined;
    expect(await ask(client, me)).toHaveLength(2);
    expect(requestsIn(gateway.log).some(({ status }) => status === 499)).toBe(true);
  });

  it('is aborted when its client leaves', async () => {
    await start();
    const { asked, aborted } = holdAccounts();
    const client = await connect();
    client.send({ id: 'a', type: 'subscribe', payload: { query: '{ user(id: "gone") { name } }' } });
    await asked;
    client.socket.terminate();
    await aborted;
    graph.accounts.answer = undefined;
    while ((await gateway.inFlight()) > 0) await wait(5);
  });

  it('beyond `subscriptions.perConnection` is refused, and the others go on', async () => {
    await start({ subscriptions: { perConnection: 2 } });
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    graph.accounts.answer = (_, response) => {
      void released.then(() => response.end('{"data":{"user":null}}'));
    };
    const client = await connect();
    for (const id of ['a', 'b', 'c'])
      client.send({ id, type: 'subscribe', payload: { query: `{ user(id: "${id}") { name } }` } });
    const refused = await client.next();
    expect(refused).toMatchObject({
      id: 'c',
      type: 'error',
      payload: [
        {
          message: 'At most 2 operations may run over one connection at once.',
          extensions: { code: 'MAX_CONNECTION_OPERATIONS_LIMIT' },
        },
      ],
    });
    release();
    const results = new Map<string, Json>();
    while (results.size < 2) {
      const { id, type, payload } = await client.next();
      if (type === 'next') results.set(id, payload);
    }
    graph.accounts.answer = undefined;
    expect(results).toEqual(new Map(['a', 'b'].map((id) => [id, { data: { user: null } }])));
  });
});

describe('a connection is closed', () => {
  it.each<[string, number, RegExp, unknown[]]>([
    ['no JSON', 4400, /JSON/, ['nothing']],
    ['no object', 4400, /object/, ['5']],
    ['an unknown type', 4400, /type/, [{ type: 'start', id: 'a' }]],
    ['a message of servers', 4400, /next/, [{ type: 'next', id: 'a', payload: {} }]],
    [
      'an operation before `connection_init`',
      4401,
      /^Unauthorized$/,
      [{ id: 'a', type: 'subscribe', payload: me }],
    ],
    [
      'a second `connection_init`',
      4429,
      /^Too many initialisation requests$/,
      [{ type: 'connection_init' }, { type: 'connection_init' }],
    ],
    [
      'an id that is in use',
      4409,
      /^Subscriber for a already exists$/,
      [
        { type: 'connection_init' },
        { id: 'a', type: 'subscribe', payload: me },
        { id: 'a', type: 'subscribe', payload: me },
      ],
    ],
    [
      'an operation without a text',
      4400,
      /query/,
      [{ type: 'connection_init' }, { id: 'a', type: 'subscribe', payload: { variables: {} } }],
    ],
    [
      'a batch',
      4400,
      /payload/,
      [{ type: 'connection_init' }, { id: 'a', type: 'subscribe', payload: [me] }],
    ],
    [
      'a long id',
      4400,
      /256 characters/,
      [{ type: 'connection_init' }, { id: 'a'.repeat(257), type: 'subscribe', payload: me }],
    ],
  ])('for %s, with %s', async (_, code, reason, messages) => {
    await start();
    const client = await open();
    for (const message of messages) client.send(message);
    const closed = await client.closed;
    expect(closed.code).toBe(code);
    expect(closed.reason).toMatch(reason);
  });

  it('with 4408 when `connection_init` does not come in time', async () => {
    await start({ subscriptions: { initTimeout: '100ms' } });
    const client = await open();
    expect(await client.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' });
  });

  it.each([[['graphql-ws', 'soap']], [['soap']], [[]]])(
    'with 4406 where the sub-protocols are %j, after it was accepted with the first',
    async (protocols: string[]) => {
      await start();
      const client = await open(protocols);
      expect(client.socket.protocol).toBe(protocols[0] ?? '');
      const { code, reason } = await client.closed;
      expect([code, reason]).toEqual([4406, expect.stringContaining('graphql-transport-ws')]);
    },
  );

  it('chooses the sub-protocol that it speaks, wherever it is offered', async () => {
    await start();
    const client = await open(['soap', 'graphql-transport-ws']);
    expect(client.socket.protocol).toBe('graphql-transport-ws');
  });

  it('with 1002 for a compressed frame', async () => {
    await start();
    const client = await connect();
    client.socket.close = () => undefined;
    rawSocket(client).write(Buffer.from([0xc1, 0x80, 0, 0, 0, 0]));
    expect((await client.closed).code).toBe(1002);
  });

  it('with 1009 for a frame that says that it is 2^40 bytes long, before any of them has come', async () => {
    await start();
    const client = await open();
    client.socket.close = () => undefined;
    rawSocket(client).write(Buffer.from([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect((await client.closed).code).toBe(1009);
  });

  it('with 4400 for a frame of 1 MB that is no message', async () => {
    await start();
    const client = await open();
    client.send('x'.repeat(1_000_000));
    expect((await client.closed).code).toBe(4400);
  });

  it.each([
    ['pings', 0x9],
    ['pongs', 0xa],
  ])(
    'with 1008 for a message that takes too long to arrive, whatever %s come between its pieces',
    async (_, opcode) => {
      await start({ timeouts: { request: '1s' } });
      const client = await connect();
      const raw = rawSocket(client);
      raw.write(clientFrame(0x1, '{"id":"a",', { isFinal: false }));
      const timer = setInterval(() => raw.write(clientFrame(opcode, 'still here')), 50);
      const { code, reason } = await client.closed;
      clearInterval(timer);
      expect([code, reason]).toEqual([1008, 'The message did not arrive in time.']);
    },
  );

  it('and what its client sends after that is not run', async () => {
    await start();
    const client = await connect();
    const before = graph.accounts.requests.length;
    const rename = 'mutation { rename(id: "u1", name: "Eve") { name } }';
    const messages = [
      { type: 'connection_init' },
      { id: 'b', type: 'subscribe', payload: { query: rename } },
    ];
    // In one piece, so that the second one is there before the close is.
    const frames = messages.map((each) => clientFrame(0x1, JSON.stringify(each)));
    rawSocket(client).write(Buffer.concat(frames));
    expect((await client.closed).code).toBe(4429);
    while ((await gateway.inFlight()) > 0) await wait(5);
    expect(graph.accounts.requests.slice(before)).toEqual([]);
  });

  it('with 1009 for a message that is far over `limits.body`', async () => {
    await start({ limits: { body: '10KiB' } });
    const client = await connect();
    client.send({ id: 'a', type: 'subscribe', payload: { query: `{ me { name } } #${'x'.repeat(50_000)}` } });
    expect((await client.closed).code).toBe(1009);
  });

  it('but not for one that is a little over it, which is told so', async () => {
    await start({ limits: { body: '10KiB' } });
    const client = await connect();
    const [{ type, payload }] = await ask(client, { query: `{ me { name } } #${'x'.repeat(10_300)}` });
    expect([type, payload[0].extensions.code]).toEqual(['error', 'PAYLOAD_TOO_LARGE']);
  });
});

describe('credentials', () => {
  const auth = { ...keys, anonymous: false };

  it('may be longer than the body of an operation', async () => {
    await start({ auth: { ...keys, anonymous: true }, limits: { body: '1KiB' } });
    const client = await connect({ 'apollographql-client-name': 'x'.repeat(15_000) });
    expect((await ask(client, me))[0].payload).toEqual(ada);
  });

  it('in `connectionParams` are those of each operation', async () => {
    await start({ auth });
    for (const params of [{ 'x-api-key': 'good' }, { 'X-API-Key': 'good' }]) {
      const client = await connect(params);
      expect((await ask(client, me))[0].payload).toEqual(ada);
    }
  });

  it('in the headers of the handshake count, too', async () => {
    await start({ auth });
    const client = await connect(undefined, { headers: { 'x-api-key': 'good' } });
    expect((await ask(client, me))[0].payload).toEqual(ada);
  });

  it.each<[string, Json, number, string]>([
    ['missing', undefined, 4401, 'The request has no credentials.'],
    ['wrong', { 'x-api-key': 'bad' }, 4401, 'The API key is not known.'],
    ['of no kind', { authorization: 'Basic x' }, 4401, 'The request has no credentials.'],
    ['no text', { authorization: { a: 1 } }, 4400, 'connectionParams: "authorization" must be text.'],
    [
      'twice there',
      { 'x-api-key': 'good', 'X-Api-Key': 'bad' },
      4400,
      'connectionParams: "x-api-key" was sent more than once.',
    ],
    [
      'no header',
      { 'x-api-key': 'a\r\nb' },
      4400,
      'connectionParams: "x-api-key" is not the value of a header.',
    ],
  ])('that are %s close the connection for good', async (_, payload, code, reason) => {
    await start({ auth });
    const client = await open();
    client.send({ type: 'connection_init', payload });
    expect(await client.closed).toEqual({ code, reason });
  });

  it('that differ between handshake and `connectionParams` are refused', async () => {
    await start({ auth });
    const client = await open(undefined, { headers: { 'x-api-key': 'good' } });
    client.send({ type: 'connection_init', payload: { 'x-api-key': 'other' } });
    expect(await client.closed).toEqual({
      code: 4400,
      reason: 'connectionParams: "x-api-key" is not the same as in the headers of the handshake.',
    });
  });

  it('are all that `connectionParams` say, with what the options name', async () => {
    await start({
      headers: { forward: ['x-tenant', 'x-user'] },
      subscriptions: { connectionParams: ['X-Tenant'] },
    });
    const client = await connect({ 'x-tenant': 't1', 'x-user': 'forged', 'x-forwarded-for': '1.2.3.4' });
    const before = graph.accounts.requests.length;
    await ask(client, { query: '{ user(id: "u1") { id name } }' });
    const { headers } = graph.accounts.requests[before]!;
    expect([headers['x-tenant'], headers['x-user']]).toEqual(['t1', undefined]);
  });
});

describe('a page', () => {
  it.each<[string, Json, string | undefined, number | undefined]>([
    ['no page', {}, undefined, undefined],
    ['a page of the gateway itself', {}, 'own', undefined],
    ['a page of another origin', {}, 'https://evil.example', 4400],
    ['a page without an origin', {}, 'null', 4400],
    [
      'a page that `cors` lists',
      { cors: { origins: ['https://shop.example'] } },
      'https://shop.example',
      undefined,
    ],
    [
      'a page beside it',
      { cors: { origins: ['https://shop.example'] } },
      'https://shop.example.evil.example',
      4400,
    ],
    ['any page, where `cors` lets all', { cors: { origins: '*' } }, 'https://evil.example', undefined],
  ])('%s', async (_, options, origin, code) => {
    await start(options);
    const sent = origin === 'own' ? new URL(gateway.url).origin : origin;
    const client = await open(undefined, { ...(sent !== undefined && { origin: sent }) });
    client.send({ type: 'connection_init' });
    if (code === undefined) expect(await client.next()).toEqual({ type: 'connection_ack' });
    else expect(await client.closed).toEqual({ code, reason: `Pages of ${origin} may not connect.` });
  });

  it('of another origin brings cookies only where `cors.credentials` says so', async () => {
    for (const credentials of [false, true]) {
      await start({
        cors: { origins: ['https://shop.example'], credentials },
        headers: { forward: ['cookie'] },
      });
      const client = await connect(undefined, { origin: 'https://shop.example', headers: { cookie: 'a=b' } });
      const before = graph.accounts.requests.length;
      await ask(client, { query: '{ user(id: "u1") { id name } }' });
      expect(graph.accounts.requests[before]!.headers.cookie).toBe(credentials ? 'a=b' : undefined);
    }
  });
});

describe('a handshake', () => {
  it.each([
    ['to another path is answered with 404', '/other', {}, 404],
    ['without a key is answered with 400', '/graphql', { 'sec-websocket-key': 'x' }, 400],
    ['with two credentials is answered with 400', '/graphql', { 'x-api-key': ['a', 'b'] }, 400],
  ])('%s', async (_, path, headers, status) => {
    await start();
    const answer = await upgrade(path, headers);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body).errors).toHaveLength(1);
  });

  it.each(['7', '14', '13, 7', '', undefined])(
    'of version %j is refused with the version to use',
    async (version) => {
      await start();
      const line = version === undefined ? '' : `sec-websocket-version: ${version}\r\n`;
      const answer = await send(handshake().replace('sec-websocket-version: 13\r\n', line));
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).toContain('\r\nsec-websocket-version: 13\r\n');
    },
  );

  it('that is refused for another reason names no version', async () => {
    await start();
    expect(await send(handshake().replace('dGhlIHNhbXBsZSBub25jZQ==', 'x'))).not.toContain(
      'sec-websocket-version',
    );
  });

  it('that is refused leaves no connection behind', async () => {
    await start();
    const { hostname, port } = new URL(gateway.url);
    const socket = connectTo({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.write(
      `GET /graphql HTTP/1.1\r\nhost: ${hostname}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
    );
    let answer = '';
    socket.on('data', (data) => (answer += String(data)));
    await once(socket, 'end');
    expect(answer).toContain('HTTP/1.1 400');
    // Its client keeps its side open, and goes on.
    const cut = new Promise((resolve) => socket.on('error', resolve));
    const timer = setInterval(() => socket.write('x'), 20);
    await cut;
    clearInterval(timer);
  });

  it('to another protocol is answered as if it had not asked', async () => {
    await start();
    const { status, body } = await upgrade('/graphql?query=%7Bme%7Bname%7D%7D', {
      ...{ upgrade: 'h2c', connection: 'Upgrade, HTTP2-Settings', 'apollo-require-preflight': '1' },
    });
    expect([status, JSON.parse(body)]).toEqual([200, ada]);
  });

  it.each(['content-length: 2', 'transfer-encoding: chunked'])(
    'with a body (%s) is answered as if it had not asked: the body is no frame',
    async (header) => {
      await start();
      const body = header.endsWith('2') ? '{}' : '2\r\n{}\r\n0\r\n\r\n';
      expect(await send(`${handshake(`${header}\r\n`)}${body}`)).toMatch(/^HTTP\/1.1 400 /);
    },
  );

  it('behind a request that is not answered is answered after it, over HTTP', async () => {
    await start();
    const query = 'GET /graphql?query={me{name}} HTTP/1.1\r\nhost: a\r\napollo-require-preflight: 1\r\n\r\n';
    const answers = await send(`${query}${handshake()}`);
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });

  it('is understood with a path that is written in another way', async () => {
    await start();
    expect((await upgrade('/%67raphql', {})).status).toBe(101);
  });

  /** A good handshake, after which the connection is closed if it is not taken for one. */
  const handshake = (headers = ''): string =>
    'GET /graphql HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n' +
    `sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`;

  /** Sends text over a connection, and returns all that comes until it is closed. */
  function send(sent: string): Promise<string> {
    const { hostname, port } = new URL(gateway.url);
    const socket = connectTo({ host: hostname, port: Number(port) });
    socket.write(sent);
    return text(socket);
  }

  /** Sends a handshake by hand, and returns its answer. */
  function upgrade(path: string, headers: Json): Promise<{ status: number; body: string }> {
    const { hostname, port } = new URL(gateway.url);
    return new Promise((resolve, reject) => {
      const sent = request({
        ...{ hostname, port, path },
        headers: {
          ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
          ...{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers },
        },
      });
      sent.on('upgrade', (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode!, body: '' });
      });
      sent.on('response', (response) => {
        void text(response).then((body) => resolve({ status: response.statusCode!, body }));
      });
      sent.on('error', reject);
      sent.end();
    });
  }
});

describe('a ping', () => {
  it.each([undefined, { a: 1 }])('is answered with its payload: %j', async (payload) => {
    await start();
    const client = await open();
    client.send({ type: 'ping', payload });
    expect(await client.next()).toEqual({ type: 'pong', ...(payload && { payload }) });
    client.send({ type: 'pong', payload });
    client.send({ type: 'connection_init' });
    expect((await client.next()).type).toBe('connection_ack');
  });

  it('is answered with a payload that is nested 100,000 levels deep, from whoever sends it', async () => {
    await start();
    const client = await open();
    client.socket.removeAllListeners('message');
    const ping = `{"type":"ping","payload":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
    const answer = once(client.socket, 'message') as Promise<[Buffer]>;
    client.send(ping);
    expect((await answer)[0].toString()).toBe(ping.replace('ping', 'pong'));
  });
});
