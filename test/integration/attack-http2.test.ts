/** The attacks on HTTP, sent over HTTP/2: another way in to the same endpoint. Over 300 lines: one case for each attack. */
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { startAttacked, stopAttacked } from '../support/attacked-gateway';
import type { Canary } from '../support/canary';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import type { SmallGraph } from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';

let graph: SmallGraph;
let gateway: TestGateway;
let canary: Canary;
let session: ClientHttp2Session;

const files = join(__dirname, '../support/tls');

beforeAll(async () => {
  ({ graph, gateway, canary } = await startAttacked({
    tls: { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') },
    timeouts: { request: '10s', client: '3s' },
  }));
});

/** A session that is destroyed while it resets many streams leaves its connection open, which keeps the process. */
const connections: TLSSocket[] = [];
function openSession({ url } = gateway): ClientHttp2Session {
  const { origin, hostname, port } = new URL(url);
  const createConnection = (): TLSSocket => {
    const socket = connectTls({ host: hostname, port: Number(port), ca: certificate, ALPNProtocols: ['h2'] });
    connections.push(socket);
    return socket;
  };
  return connect(origin, { createConnection }).on('error', () => undefined);
}

beforeEach(() => {
  session = openSession();
});

/** Whatever was sent, the next client is served, and others have not felt it. */
afterEach(async () => {
  session.destroy();
  await canary.expectUnharmed();
  session = openSession();
  expect((await send({}, '{"query":"{ me { name } }"}')).body).toEqual({ data: { me: { name: 'Ada' } } });
  session.destroy();
  for (const each of connections.splice(0)) each.destroy();
});

afterAll(() => stopAttacked({ graph, gateway, canary }));

interface Answer {
  /** 0 where the stream or the connection was ended in place of an answer. */
  readonly status: number;
  readonly body: Json;
}

function send(headers: OutgoingHttpHeaders, body: string | Buffer | undefined): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
      ...headers,
    });
    let status = 0;
    let text = '';
    stream.on('response', (told) => (status = told[':status'] ?? 0));
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.on('error', () => undefined);
    stream.on('close', () => resolve({ status, body: text === '' ? undefined : JSON.parse(text) }));
    if (body !== undefined) stream.end(body);
  });
}

const refused = ({ status, body }: Answer) => [status, body?.errors?.[0].extensions.code];
const mark = '{"query":"{ user(id: \\"u66\\") { id } }"}';
const reached = () => JSON.stringify(graph.accounts.requests.map(({ body }) => body)).includes('u66');

it.each<[string, OutgoingHttpHeaders, string | Buffer, number, string]>([
  ['malformed JSON', {}, '{"query":', 400, 'BAD_REQUEST'],
  ['an empty body', {}, '', 400, 'BAD_REQUEST'],
  ['an array', {}, '[{"query":"{ __typename }"}]', 400, 'BAD_REQUEST'],
  ['a body over the limit', {}, ' '.repeat(2 ** 20 + 1), 413, 'PAYLOAD_TOO_LARGE'],
  [
    'a gzip bomb',
    { 'content-encoding': 'gzip' },
    gzipSync(Buffer.alloc(60_000_000, 'x')),
    413,
    'PAYLOAD_TOO_LARGE',
  ],
  ['text/plain', { 'content-type': 'text/plain' }, mark, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['utf-7', { 'content-type': 'application/json; charset=utf-7' }, mark, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['a PUT', { ':method': 'PUT' }, mark, 405, 'METHOD_NOT_ALLOWED'],
  [
    '110 headers',
    Object.fromEntries(Array.from({ length: 110 }, (_, i) => [`x-${i}`, '1'])),
    mark,
    431,
    'HEADERS_TOO_LARGE',
  ],
  [
    'a document nested 20,000 levels',
    {},
    JSON.stringify({ query: '{a'.repeat(20_000) }),
    400,
    'MAX_DEPTH_LIMIT',
  ],
])('%s is refused as over HTTP/1.1', async (_, headers, body, status, code) => {
  expect(refused(await send(headers, body))).toEqual([status, code]);
  expect(reached()).toBe(false);
});

it.each([
  ['before it knows what is allowed', false],
  ['when it knows what is allowed', true],
])('a header block over 16 KiB is not read of a client %s', async (_, isTold) => {
  if (isTold) await new Promise<void>((settled) => session.once('remoteSettings', () => settled()));
  const headers = Object.fromEntries(Array.from({ length: 20 }, (__, i) => [`x-${i}`, 'x'.repeat(1_000)]));
  const { status } = await send(headers, mark);
  expect(isTold ? [0, 431] : [431]).toContain(status);
  expect(reached()).toBe(false);
});

it('more headers than Node counts are the end of the stream', async () => {
  const headers = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, '1']));
  expect((await send(headers, mark)).status).toBe(0);
  expect(reached()).toBe(false);
});

it('a length that is not that of the body is refused', async () => {
  const { status } = await send({ 'content-length': mark.length + 5 }, mark);
  expect([0, 400]).toContain(status);
});

describe('on time', () => {
  let impatient: TestGateway;
  beforeAll(async () => {
    impatient = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      tls: { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') },
      timeouts: { request: '2s', client: '3s' },
    });
  });
  afterAll(() => impatient.stop());

  it('a body that does not arrive is ended', async () => {
    session.destroy();
    session = openSession(impatient);
    const { status } = await send({}, undefined);
    expect([0, 408, 504]).toContain(status);
  });

  it('a client of HTTP/1.1 whose headers do not end is answered', async () => {
    const { hostname, port } = new URL(impatient.url);
    const socket = connectTls({ port: Number(port), host: hostname, ca: certificate }, () =>
      socket.write('GET /graphql HTTP/1.1\r\nhost: x\r\nx: '),
    );
    // Too late, the connection would be closed without an answer: nothing has moved for 3 s then.
    expect(await text(socket)).toMatch(/^HTTP\/1.1 408 /);
    socket.destroy();
  });
});

it('a body that does not end after its answer is ended alone', async () => {
  const upload = session.request({
    ...{ ':method': 'POST', ':path': '/graphql', 'content-type': 'text/plain' },
  });
  let answer = '';
  upload.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  upload.write('x');
  await new Promise<void>((closed) => upload.once('close', closed));
  expect([upload.rstCode, upload.sentHeaders[':path']]).toEqual([constants.NGHTTP2_NO_ERROR, '/graphql']);
  expect(answer).toContain('UNSUPPORTED_MEDIA_TYPE');
  expect(session.destroyed).toBe(false);
  expect((await send({}, '{"query":"{ me { name } }"}')).status).toBe(200);
});

it('one connection has no more than 100 requests at once', async () => {
  await new Promise<void>((settled) => session.once('remoteSettings', () => settled()));
  expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
});

it('streams that are opened and cancelled at once again and again leave nothing', async () => {
  for (let i = 0; i < 2_000 && !session.destroyed; i++) {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
    });
    stream.on('error', () => undefined);
    stream.close(constants.NGHTTP2_CANCEL);
    if (i % 100 === 0) await new Promise((turn) => setImmediate(turn));
  }
  session.destroy();
  while ((await gateway.inFlight()) > 0) await new Promise((turn) => setTimeout(turn, 20));
});

it('many small answers that are never read keep nobody out', async () => {
  const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  const own = await startTestGateway({
    ...{ supergraph: sourceOf(graph.supergraphSdl), tls, overload: { requests: 40, queue: '10s' } },
    logging: { level: 'silent' },
  });
  const { origin } = new URL(own.url);
  const silent = connect(origin, { ca: certificate, settings: { initialWindowSize: 0 } });
  silent.on('error', () => undefined);
  const ask = (to: ClientHttp2Session, body: string) => {
    const stream = to.request({ ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json' });
    stream.on('error', () => undefined).end(body);
    return stream;
  };
  const other = connect(origin, { ca: certificate });
  // Requests that wait for its plan would need no slot.
  await text(ask(other, '{"query":"{__typename}"}'));
  // Heads are not held back by the window, so these answers are known to be written, and are unread.
  let answers = 0;
  for (let i = 0; i < 60; i++) ask(silent, '{"query":"{__typename}"}').once('response', () => answers++);
  while (answers < 40) await new Promise((turn) => setTimeout(turn, 20));
  expect(await text(ask(other, '{"query":"{__typename}"}'))).toBe('{"data":{"__typename":"Query"}}');
  other.destroy();
  silent.destroy();
  await own.stop();
});

/** Without the library, which waits for what the other side allows. */
const frame = (type: number, flags: number, id: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
};
const literal = (text: string): Buffer => Buffer.from([text.length, ...Buffer.from(text)]);
const headersOf = (more: Record<string, string> = {}): Buffer =>
  Buffer.concat(
    Object.entries({
      ...{ ':method': 'POST', ':path': '/graphql', ':scheme': 'https', ':authority': 'x' },
      ...{ 'content-type': 'application/json', ...more },
    }).flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  );
const [data, headersFrame, reset, settings, ping] = [0, 1, 3, 4, 6];
const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(settings, 0, 0, Buffer.alloc(0)),
]);
const number = (value: number): Buffer => Buffer.from([0, 0, 0, value]);
const begin = (id: number, more?: Record<string, string>): Buffer =>
  frame(headersFrame, 4, id, headersOf(more));

interface Received {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** Opens a connection and sends bytes. Tells of each frame that comes back; the connection is the test's to close. */
function sendFrames(bytes: Buffer, onFrame: (frame: Received) => void, to = gateway): TLSSocket {
  const { hostname, port } = new URL(to.url);
  const options = { port: Number(port), host: hostname, ca: certificate, ALPNProtocols: ['h2'] };
  const socket = connectTls(options, () => socket.write(Buffer.concat([preface, bytes])));
  socket.on('error', () => undefined);
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const end = 9 + (received.length < 9 ? 0 : received.readUIntBE(0, 3));
      if (received.length < end) return;
      onFrame({ type: received[3]!, flags: received[4]!, payload: received.subarray(9, end) });
      received = received.subarray(end);
    }
  });
  return socket;
}

describe('a body in frames of one byte', () => {
  const framesOf = (body: Buffer): Buffer =>
    Buffer.concat(Array.from(body, (byte) => frame(data, 0, 1, Buffer.of(byte))));
  const end = frame(data, 1, 1, Buffer.alloc(0));
  const query = '{"query":"{ me { name } }"}';

  /** The body of the answer, and how its stream was ended: by the answer, or by a code behind it. */
  async function answerTo(frames: Buffer, headers?: Record<string, string>) {
    let text = '';
    let socket: TLSSocket | undefined;
    const ended = await new Promise((resolve) => {
      socket = sendFrames(Buffer.concat([begin(1, headers), frames]), ({ type, flags, payload }) => {
        if (type === data) text += payload.toString();
        if (type === reset) resolve(payload.readUInt32BE());
        else if (type === data && flags % 2 === 1 && text.includes('"data"')) resolve('by the answer');
      });
      socket.on('close', () => resolve('with its connection'));
    });
    socket!.destroy();
    return { text, ended };
  }

  it.each<[string, Record<string, string>, Buffer]>([
    ['as it is', {}, Buffer.from(query.padEnd(20_000))],
    ['packed', { 'content-encoding': 'gzip' }, gzipSync(randomBytes(20_000).toString('hex'))],
  ])('is 400 before all of it is read, %s', async (_, headers, body) => {
    const { text, ended } = await answerTo(framesOf(body), headers);
    expect(text).toContain('The frames of the body take far more bytes than what is in them.');
    expect(ended).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it('is served while it is small', async () => {
    expect(await answerTo(Buffer.concat([framesOf(Buffer.from(query.padEnd(10_000))), end]))).toEqual({
      text: '{"data":{"me":{"name":"Ada"}}}',
      ended: 'by the answer',
    });
  });
});

describe('streams that are reset', () => {
  /** One for each test: it counts those of an address. */
  let own: TestGateway;
  afterEach(() => own.stop());

  async function start(trustedProxies: string[] = []): Promise<void> {
    own = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      tls: { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') },
      logging: { level: 'error' },
      trustedProxies,
    });
  }

  /** What becomes of a connection of which so many streams are begun and ended like this. */
  async function fateAfter(count: number, streamOf: (id: number) => Buffer): Promise<'closed' | 'kept'> {
    let socket: TLSSocket | undefined;
    try {
      return await new Promise((resolve) => {
        const streams = Array.from({ length: count }, (_, i) => streamOf(2 * i + 1));
        const nextPing = frame(ping, 0, 0, Buffer.alloc(8));
        let pings = 0;
        const onFrame = ({ type }: Received): void => {
          if (type !== ping) return;
          // The first one may be answered before the streams that it is sent behind are counted.
          if (++pings === 10) resolve('kept');
          else socket!.write(nextPing);
        };
        const bytes = Buffer.concat([...streams, nextPing]);
        socket = sendFrames(bytes, onFrame, own);
        socket.on('close', () => resolve('closed'));
      });
    } finally {
      socket?.destroy();
    }
  }

  const body = Buffer.from('{"query":"{ me { name } }"}');

  it.each<[string, (id: number) => Buffer]>([
    ['as cancelled', (id) => frame(reset, 0, id, number(constants.NGHTTP2_CANCEL))],
    ['as if nothing were wrong', (id) => frame(reset, 0, id, number(constants.NGHTTP2_NO_ERROR))],
    [
      'when all of the request is there',
      (id) =>
        Buffer.concat([frame(data, 1, id, body), frame(reset, 0, id, number(constants.NGHTTP2_CANCEL))]),
    ],
  ])('%s, again and again, close their connection', async (_, end) => {
    await start();
    expect(await fateAfter(400, (id) => Buffer.concat([begin(id), end(id)]))).toBe('closed');
  });

  const cancelled = (id: number) => Buffer.concat([begin(id), frame(reset, 0, id, number(8))]);

  it('as many as a page has, twice over, do not', async () => {
    await start();
    expect(await fateAfter(190, cancelled)).toBe('kept');
  });

  it.each<[string, string[], boolean]>([
    ['close its next ones', [], true],
    ['do not where it is a trusted proxy', ['127.0.0.1'], false],
  ])('by some connections of one address %s', async (_, proxies, areClosed) => {
    await start(proxies);
    for (let i = 0; i < 4; i++) expect(await fateAfter(190, cancelled)).toBe('kept');
    // More than what an address may have again within many seconds: a busy machine takes some.
    const next = await Promise.all(Array.from({ length: 12 }, () => fateAfter(190, cancelled)));
    expect(next.includes('closed')).toBe(areClosed);
  });

  it('by others do not close a connection of the same address that resets none', async () => {
    await start();
    const client = connect(new URL(own.url).origin, { ca: certificate });
    for (let i = 0; i < 6; i++) await fateAfter(190, cancelled);
    await fateAfter(400, cancelled);
    session.destroy();
    session = client;
    expect((await send({}, '{"query":"{ me { name } }"}')).status).toBe(200);
  });
});
