/** The attacks on HTTP, sent over HTTP/2: another way in to the same endpoint. */
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';

let graph: SmallGraph;
let gateway: TestGateway;
let session: ClientHttp2Session;

beforeAll(async () => {
  const files = join(__dirname, '../support/tls');
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    tls: { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') },
    timeouts: { request: '2s' },
    logging: { level: 'error' },
  });
});

beforeEach(() => {
  session = connect(new URL(gateway.url).origin, { ca: certificate });
  session.on('error', () => undefined);
});

/** Whatever was sent, the next client is served. */
afterEach(async () => {
  session.destroy();
  session = connect(new URL(gateway.url).origin, { ca: certificate });
  expect((await send({}, '{"query":"{ me { name } }"}')).body).toEqual({ data: { me: { name: 'Ada' } } });
  session.destroy();
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

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

it('a body that does not arrive is ended on time', async () => {
  const { status } = await send({}, undefined);
  expect([0, 408, 504]).toContain(status);
}, 20_000);

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
  while (!(await gateway.metrics()).includes('weir_requests_in_flight 0'))
    await new Promise((turn) => setTimeout(turn, 20));
}, 30_000);

describe('streams that are reset', () => {
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
  const headers = Buffer.concat(
    Object.entries({
      ...{ ':method': 'POST', ':path': '/graphql', ':scheme': 'https', ':authority': 'x' },
      'content-type': 'application/json',
    }).flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  );
  const body = Buffer.from('{"query":"{ me { name } }"}');
  const [data, headersFrame, reset, settings] = [0, 1, 3, 4];
  const preface = Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(settings, 0, 0, Buffer.alloc(0)),
  ]);
  const number = (value: number): Buffer => Buffer.from([0, 0, 0, value]);
  const begin = (id: number): Buffer => frame(headersFrame, 4, id, headers);

  /** What becomes of a connection of which so many streams are begun and ended like this. */
  async function fateAfter(count: number, streamOf: (id: number) => Buffer): Promise<'closed' | 'kept'> {
    const { hostname, port } = new URL(gateway.url);
    const options = { port: Number(port), host: hostname, ca: certificate, ALPNProtocols: ['h2'] };
    const socket = connectTls(options, () =>
      socket.write(
        Buffer.concat([
          preface,
          ...Array.from({ length: count }, (_, i) => streamOf(2 * i + 1)),
          frame(6, 0, 0, Buffer.alloc(8)),
        ]),
      ),
    );
    socket.on('error', () => undefined);
    let received = Buffer.alloc(0);
    try {
      return await new Promise((resolve) => {
        socket.on('close', () => resolve('closed'));
        socket.on('data', (chunk: Buffer) => {
          received = Buffer.concat([received, chunk]);
          for (;;) {
            const end = 9 + (received.length < 9 ? 0 : received.readUIntBE(0, 3));
            if (received.length < end) return;
            // The answer to the ping that is sent behind all streams.
            if (received[3] === 6) setTimeout(() => resolve('kept'), 500);
            received = received.subarray(end);
          }
        });
      });
    } finally {
      socket.destroy();
    }
  }

  it.each<[string, (id: number) => Buffer]>([
    ['as cancelled', (id) => frame(reset, 0, id, number(constants.NGHTTP2_CANCEL))],
    ['as if nothing were wrong', (id) => frame(reset, 0, id, number(constants.NGHTTP2_NO_ERROR))],
    [
      'when all of the request is there',
      (id) =>
        Buffer.concat([frame(data, 1, id, body), frame(reset, 0, id, number(constants.NGHTTP2_CANCEL))]),
    ],
  ])('%s, again and again, close their connection', async (_, end) => {
    expect(await fateAfter(400, (id) => Buffer.concat([begin(id), end(id)]))).toBe('closed');
  });

  it('as many as a page has, twice over, do not', async () => {
    const streams = (id: number) => Buffer.concat([begin(id), frame(reset, 0, id, number(8))]);
    expect(await fateAfter(190, streams)).toBe('kept');
  });
});

it('a client of HTTP/1.1 whose headers do not end is answered on time', async () => {
  const { hostname, port } = new URL(gateway.url);
  const socket = connectTls({ port: Number(port), host: hostname, ca: certificate }, () =>
    socket.write('GET /graphql HTTP/1.1\r\nhost: x\r\nx: '),
  );
  const began = performance.now();
  expect(await text(socket)).toMatch(/^HTTP\/1.1 408 /);
  // Without it the connection would be closed when nothing has moved for 12 s.
  expect(performance.now() - began).toBeLessThan(10_000);
});
