/** Attacks below GraphQL, over real sockets. Over 300 lines: a case for each of them. */
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync, constants as brotli, deflateSync, gzipSync } from 'node:zlib';
import { startAttacked, stopAttacked } from '../support/attacked-gateway';
import { type Canary, startCanary } from '../support/canary';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';

let graph: SmallGraph;
let gateway: TestGateway;
let canary: Canary;

beforeAll(async () => {
  ({ graph, gateway, canary } = await startAttacked({ timeouts: { request: '10s', client: '1s' } }));
});

afterEach(() => canary.expectUnharmed(), 30_000);

afterAll(() => stopAttacked({ graph, gateway, canary }));

const json = { 'content-type': 'application/json' };
const mark = '{ user(id: "u66") { id } }';
const reached = () => JSON.stringify(graph.accounts.requests.map(({ body }) => body)).includes('u66');

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Json;
}

/** Sends bytes as they are, and says what comes back until the connection is closed. */
function raw(
  bytes: string | Buffer,
  then?: (write: (more: string) => void) => void,
  url = gateway.url,
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => {
      socket.write(bytes);
      then?.((more) => socket.writable && socket.write(more));
    });
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

function post(body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      gateway.url,
      { method: 'POST', headers: { ...json, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: JSON.parse(Buffer.concat(chunks).toString()),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const codeOf = ({ status, body }: Answer) => [status, body.errors?.[0].extensions.code];

describe('a packed body', () => {
  const body = JSON.stringify({ query: '{ me { name } }' });

  it.each([
    ['gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
  ])('in %s is unpacked', async (encoding, packed) => {
    expect((await post(packed, { 'content-encoding': encoding })).body).toEqual({
      data: { me: { name: 'Ada' } },
    });
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(60_000_000, 'x'))],
    ['deflate', deflateSync(Buffer.alloc(60_000_000, 'x'))],
    [
      'br',
      brotliCompressSync(Buffer.alloc(60_000_000, 'x'), { params: { [brotli.BROTLI_PARAM_QUALITY]: 5 } }),
    ],
  ])('that becomes 60 MB in %s is 413, and takes little memory', async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(70_000);
    const before = process.memoryUsage();
    const most = { rss: 0 };
    const timer = setInterval(() => (most.rss = Math.max(most.rss, process.memoryUsage().external)), 1);
    for (let i = 0; i < 2; i++) {
      expect(codeOf(await post(bomb, { 'content-encoding': encoding }))).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    }
    clearInterval(timer);
    expect(most.rss - before.external).toBeLessThan(32 * 1024 * 1024);
  });

  it.each([
    ['that is none', 'gzip', Buffer.from('no gzip at all'), 400, 'BAD_REQUEST'],
    ['that is cut off', 'gzip', gzipSync(body).subarray(0, -12), 400, 'BAD_REQUEST'],
    ['packed twice', 'gzip, gzip', gzipSync(gzipSync(body)), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['in a way that nobody knows', 'zstd', Buffer.from(body), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('%s is refused', async (_, encoding, bytes, status, code) => {
    expect(codeOf(await post(bytes, { 'content-encoding': encoding }))).toEqual([status, code]);
  });
});

describe('a page of somebody else', () => {
  it.each([
    'text/plain',
    'text/plain;charset=utf-8',
    'TEXT/PLAIN; application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'multipart/form-data; boundary=application/json',
  ])('cannot post as %s, nor what is a known operation', async (type) => {
    await post(JSON.stringify({ query: '{ me { name } }' }));
    for (const query of [mark, '{ me { name } }']) {
      const answer = await post(JSON.stringify({ query }), { 'content-type': type });
      expect(codeOf(answer)).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    }
    expect(reached()).toBe(false);
  });

  it.each<[string, Record<string, string>]>([
    ['without headers', {}],
    ['with a media type that no browser asks leave for', { 'content-type': 'text/plain' }],
    ['with a media type that cannot be read', { 'content-type': 'x' }],
    ['with an empty preflight header', { 'apollo-require-preflight': '' }],
  ])('cannot get %s', async (_, headers) => {
    const response = await fetch(`${gateway.url}?query=${encodeURIComponent(mark)}`, { headers });
    expect([400, 415]).toContain(response.status);
    expect(reached()).toBe(false);
  });

  it('gets no leave of CORS', async () => {
    const response = await fetch(gateway.url, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    const answer = await post(JSON.stringify({ query: '{ me { name } }' }), {
      origin: 'https://evil.example',
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });
});

describe('framing', () => {
  const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const body = JSON.stringify({ query: mark });
  const rest = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

  it.each([
    ['two lengths', `${head}content-length: ${body.length}\r\ncontent-length: 5\r\n\r\n${body}`],
    ['a length and chunks', `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a length that is no number', `${head}content-length: 0x20\r\n\r\n${body}`],
    ['a negative length', `${head}content-length: -1\r\n\r\n${body}`],
    ['chunks of no size', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`],
    ['another coding after chunks', `${head}transfer-encoding: chunked, identity\r\n\r\n${body}`],
    ['a space before the colon', `${head}transfer-encoding : chunked\r\n\r\n0\r\n\r\n`],
    ['a header that goes on in the next line', `${head}x-a: b\r\n c: d\r\n\r\n`],
  ])('by %s is 400, and the connection is closed', async (_, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(reached()).toBe(false);
  });

  it.each([
    ['no host', `POST /graphql HTTP/1.1\r\n${rest}`],
    ['two hosts', `POST /graphql HTTP/1.1\r\nhost: x\r\nHost: y\r\n${rest}`],
    ['one host twice', `POST /graphql HTTP/1.1\r\nhost: x\r\nhost: x\r\n${rest}`],
  ])('with %s is 400 in JSON, and the connection is closed', async (_, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 400 [^]*"BAD_REQUEST"/);
    expect(reached()).toBe(false);
  });

  const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

  // RFC 9112, section 6.1.
  it.each([
    ['gzip before chunks', 'transfer-encoding: gzip, chunked\r\n'],
    ['gzip in a header of its own', 'transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n'],
    ['chunks twice', 'transfer-encoding: chunked, chunked\r\n'],
    ['identity before chunks', 'transfer-encoding: identity, chunked\r\n'],
    ['nothing before chunks', 'transfer-encoding: , chunked\r\n'],
    [
      'gzip before chunks of a body that waits for leave',
      'expect: 100-continue\r\ntransfer-encoding: gzip, chunked\r\n',
    ],
  ])('with %s as its transfer coding is refused, and the connection is closed', async (_, coding) => {
    const answer = await raw(`${head}${coding}\r\n${chunk}${head}content-length: 2\r\n\r\n{}`);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([expect.stringMatching(/ (400|501)$/)]);
    if (answer.startsWith('HTTP/1.1 501'))
      expect(answer).toContain('The Transfer-Encoding may only be chunked');
    expect(reached()).toBe(false);
  });

  it('by chunks of HTTP/1.0, which has none, is 400, and the connection is closed', async () => {
    const old = `POST /graphql HTTP/1.0\r\nhost: x\r\nconnection: keep-alive\r\ncontent-type: application/json\r\n`;
    const answer = await raw(`${old}transfer-encoding: chunked\r\n\r\n${chunk}`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"BAD_REQUEST"/);
    expect(reached()).toBe(false);
  });

  it('by chunks is served however their name is written', async () => {
    const answer = await raw(`${head}connection: close\r\ntransfer-encoding: Chunked \r\n\r\n${chunk}`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    graph.accounts.requests.length = 0;
  });

  const chunked = `${head}transfer-encoding: chunked\r\n\r\n`;
  const extension = `;x=${'y'.repeat(4000)}`;

  it.each([
    ['chunks of one byte', `1\r\n \r\n`.repeat(2 ** 20)],
    ['chunks with long extensions', `1${extension}\r\n \r\n`.repeat(10_000)],
  ])('by %s is 400 before much of it is read, and the connection is closed', async (_, chunks) => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname, () => socket.write(chunked + chunks));
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    const sent = await new Promise<number>((resolve) =>
      socket.on('end', () => resolve(socket.bytesWritten - socket.writableLength)),
    );
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"BAD_REQUEST"/);
    // The whole is one write: nothing of it counts before all of it is taken.
    expect(sent).toBe(0);
  });

  it('by small chunks is served, whatever else its connection has had', async () => {
    const small = Array.from(body, (byte) => `1;a=b\r\n${byte}\r\n`).join('');
    const spaces = `40\r\n${' '.repeat(64)}\r\n`.repeat(8000);
    const answer = await raw(
      `${chunked}${spaces}${small}0\r\n\r\n`.repeat(3) +
        `${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n${small}0\r\n\r\n`,
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(Array(4).fill('HTTP/1.1 200'));
    graph.accounts.requests.length = 0;
  });

  // RFC 9112, section 3.2.2.
  it('for a URL in absolute form is served as for its path', async () => {
    const { href } = new URL(gateway.url);
    const bytes = `POST ${href} HTTP/1.1\r\nconnection: close\r\nhost: x\r\n${rest}`;
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 200 [^]*"data"/);
  });

  it('with an expectation that nobody knows is 417 in JSON', async () => {
    const bytes = `POST /graphql HTTP/1.1\r\nhost: x\r\nexpect: 200-ok\r\n${rest}`;
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 417 [^]*"EXPECTATION_FAILED"/);
  });

  describe('of a client that waits for leave to send its body', () => {
    const ask = (size: number, more = '') =>
      `${head}${more}expect: 100-continue\r\ncontent-length: ${size}\r\n\r\n`;
    const statuses = (answer: string) => answer.match(/(?<=HTTP\/1\.1 )\d+/g);

    it('gets it, and the answer', async () => {
      const own = JSON.stringify({ query: '{ me { name } }' });
      const answer = await raw(ask(own.length, 'connection: close\r\n'), (write) =>
        setTimeout(() => write(own), 50),
      );
      expect(statuses(answer)).toEqual(['100', '200']);
      expect(answer).toContain('{"data":{"me":{"name":"Ada"}}}');
    });

    it('gets 413 in its place for a body over the limit, and the connection is closed', async () => {
      const answer = await raw(ask(2 ** 20 + 1));
      expect(statuses(answer)).toEqual(['413']);
      expect(answer).toContain('"PAYLOAD_TOO_LARGE"');
    });

    it('keeps its connection after an answer, and gets whole answers if it did not wait', async () => {
      const own = JSON.stringify({ query: '{ me { name } }' });
      const answer = await raw(ask(own.length) + own + ask(own.length, 'connection: close\r\n') + own);
      const leave = 'HTTP/1.1 100 Continue\r\n\r\n';
      const [, first, second] = answer.split(/(?=HTTP\/1\.1 200 )/);
      expect(answer.startsWith(`${leave}HTTP/1.1 200 `)).toBe(true);
      expect([first!.replace(leave, ''), second]).toEqual(
        Array(2).fill(expect.stringMatching(/\r\n\r\n\{"data":\{"me":\{"name":"Ada"\}\}\}$/)),
      );
    });

    it('gets in its place what is refused before anything is read', async () => {
      const answer = await raw(ask(2, 'host: y\r\n'));
      expect(statuses(answer)).toEqual(['400']);
    });
  });

  it.each([
    [
      'a header block over 16 KiB',
      `GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-long: ${'x'.repeat(17_000)}\r\n\r\n`,
    ],
    [
      'a header block over 64 KiB',
      `GET /graphql HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(66_000)}\r\n\r\n`,
    ],
    [
      'a URL over 16 KiB',
      `GET /graphql?${'x'.repeat(17_000)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    ],
    [
      '150 headers',
      `POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${'a: b\r\n'.repeat(150)}content-length: 2\r\n\r\n{}`,
    ],
    [
      '150 headers on the way of known operations',
      `${head}connection: close\r\n${'a: b\r\n'.repeat(150)}content-length: 27\r\n\r\n{"query":"{ me { name } }"}`,
    ],
  ])('with %s is 431', async (_, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 431 [^]*HEADERS_TOO_LARGE/);
  });
});

describe('what is no request behind requests in flight', () => {
  const ask = (query: string) => {
    const body = JSON.stringify({ query });
    return `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  };
  const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  let slow: SmallGraph;
  let own: TestGateway;
  let answer: (() => void) | undefined;

  beforeAll(async () => {
    slow = await startSmallGraph();
    own = await startTestGateway({ supergraph: sourceOf(slow.supergraphSdl) });
    slow.accounts.answer = (_, response) => {
      answer = () => response.end(JSON.stringify({ data: { me: { id: 'late' } } }));
    };
  });

  afterAll(async () => {
    await own.stop();
    await slow.close();
  });

  it.each([
    ['bytes', 'garbage\r\n\r\n'],
    ['a request with two lengths', `${head}content-length: 2\r\ncontent-length: 5\r\n\r\n{}`],
    ['a body in chunks of no size', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`],
  ])('(%s) is answered after them', async (_, bytes) => {
    answer = undefined;
    const answers = await raw(
      ask('{ me { id } }') + ask('{ __typename }') + bytes,
      (write) => {
        void eventually(() => answer !== undefined).then(() => {
          write('garbage again\r\n\r\n');
          answer!();
        });
      },
      own.url,
    );
    const parts = answers.split(/(?=HTTP\/1\.1 )/);
    expect(parts.map((part) => part.slice(9, 12))).toEqual(['200', '200', '400']);
    expect(parts[0]).toContain('{"data":{"me":{"id":"late"}}}');
    expect(parts[1]).toContain('{"data":{"__typename":"Query"}}');
    expect(parts[2]).toMatch(/connection: close\r\n/);
  });

  it('(one that is refused before its body has come) cuts none of them off, however long they take', async () => {
    answer = undefined;
    const refused = 'POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: text/plain\r\n';
    const answers = await raw(
      `${ask('{ me { id } }')}${refused}content-length: 9\r\n\r\n`,
      () => {
        // Longer than the rest of a body is waited for.
        void eventually(() => answer !== undefined).then(() => setTimeout(() => answer!(), 5_500));
      },
      own.url,
    );
    const parts = answers.split(/(?=HTTP\/1\.1 )/);
    expect(parts.map((part) => part.slice(9, 12))).toEqual(['200', '415']);
    expect(parts[0]).toContain('{"data":{"me":{"id":"late"}}}');
  });
});

describe('a slow client', () => {
  let impatient: TestGateway;
  beforeAll(async () => {
    impatient = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      timeouts: { request: '2s', client: '1s' },
    });
  });
  afterAll(() => impatient.stop());

  it.each([
    ['in its headers', 'POST /graphql HTTP/1.1\r\nhost: x\r\n', 'x-a: b\r\n'],
    [
      'in its body',
      `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n`,
      ' ',
    ],
  ])(
    '%s gets 408, and the connection is closed',
    async (_, start, drip) => {
      let timer: NodeJS.Timeout | undefined;
      const answer = await raw(
        start,
        (write) => (timer = setInterval(() => write(drip), 100)),
        impatient.url,
      );
      clearInterval(timer);
      expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*REQUEST_TIMEOUT/);
    },
    20_000,
  );

  const bodyOf = (type: string, size: number) =>
    `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${size}\r\n\r\n`;
  const chunked =
    'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
  const known = `GET /graphql?query=${encodeURIComponent('{ __typename }')} HTTP/1.1\r\nhost: x\r\napollo-require-preflight: 1\r\n`;
  const statuses = (answers: string) => answers.match(/(?<=HTTP\/1\.1 )\d+/g);

  it('that is answered before all of its body is there gets no other answer, and may go on', async () => {
    const cases: [string, string, readonly (readonly [at: number, more: string])[], string[]][] = [
      ['too large', bodyOf('application/json', 2_000_000) + ' '.repeat(9999), [], ['413']],
      ['of another type', bodyOf('text/plain', 99), [], ['415']],
      ['too large, in chunks', `${chunked}200000\r\n${' '.repeat(2 ** 21 - 9)}`, [], ['413']],
      [
        'too large, in chunks of which one is none',
        `${chunked}200000\r\n${' '.repeat(2 ** 21)}\r\n`,
        [[500, 'zz\r\n']],
        ['413'],
      ],
      ['of a GET', `${known}content-length: 9\r\n\r\n`, [], ['200']],
      ['behind another request', known + '\r\n' + bodyOf('text/plain', 99), [], ['200', '415']],
      // Longer than the rest of a body is waited for.
      [
        'followed by another request',
        bodyOf('text/plain', 9),
        [
          [200, 'too late!'],
          [5_500, `${known}connection: close\r\n\r\n`],
        ],
        ['415', '200'],
      ],
    ];
    const found = cases.map(async ([name, start, rest]) => {
      const answers = await raw(start, (write) => {
        for (const [at, more] of rest) setTimeout(() => write(more), at);
      });
      return [name, statuses(answers)];
    });
    expect(await Promise.all(found)).toEqual(cases.map(([name, , , expected]) => [name, expected]));
  });

  it('that is refused for there are too many, before all of its body is there, gets no other answer', async () => {
    const busy = await startSmallGraph();
    let release: (() => unknown) | undefined;
    busy.accounts.answer = (_, response) => (release = () => response.end('{"data":{"me":null}}'));
    const own = await startTestGateway({
      supergraph: sourceOf(busy.supergraphSdl),
      timeouts: { request: '60s', subgraph: '60s', client: '1s' },
      overload: { requests: 1, queue: 0 },
    });
    const first = own.query('{ me { name } }');
    await eventually(() => release !== undefined);
    expect(statuses(await raw(bodyOf('text/plain', 99), undefined, own.url))).toEqual(['503']);
    release!();
    await first;
    await own.stop();
    await busy.close();
  });

  it('that does not read a large answer is cut', async () => {
    const text = 'x'.repeat(20_000_000);
    const large = await startSmallGraph();
    const own = await startTestGateway({
      supergraph: sourceOf(large.supergraphSdl),
      // Time enough for the answer to come on a busy machine: a 504 would be small enough to be taken whole. It is cut after the
      // sum of both without a byte, twice: Node waits once more where bytes were taken meanwhile.
      timeouts: { request: '4s', client: '200ms' },
    });
    await own.query('{ me { name } }');
    const known = own.log.length;
    large.accounts.answer = (_, response) => response.end(JSON.stringify({ data: { me: { name: text } } }));
    const { hostname, port } = new URL(own.url);
    const body = JSON.stringify({ query: '{ me { name } }' });
    const head = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${head}\r\n\r\n${body}`);
      socket.pause();
    });
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.on('error', () => undefined);
    const closed = new Promise((close) => socket.once('close', close));
    await eventually(() => own.log.slice(known).some(({ msg }) => msg === 'request'));
    // What the system has kept for it can still be read.
    socket.resume();
    await closed;
    expect(received).toMatch(/^HTTP\/1\.1 200 /);
    expect(received.length).toBeLessThan(text.length);
    await own.stop();
    await large.close();
  });
});

describe('TLS', () => {
  const files = join(__dirname, '../support/tls');
  const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  const body = JSON.stringify({ query: '{ me { name } }' });
  const start = (more = {}, options = {}) =>
    startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), tls: { ...tls, ...more }, ...options });

  it('serves HTTP/2 and HTTP/1.1, known operations too, and drains both', async () => {
    const secure = await start();
    expect(secure.url).toMatch(/^https:/);
    const session = connectHttp2(new URL(secure.url).origin, { ca: certificate });
    for (let i = 0; i < 3; i++) {
      const { status, text, headers } = await new Promise<Json>((resolve, reject) => {
        const stream = session.request({ ':method': 'POST', ':path': '/graphql', ...json });
        let text = '';
        let headers: Json;
        stream.on('response', (each) => (headers = each));
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
        stream.on('end', () => resolve({ status: headers[':status'], text, headers }));
        stream.on('error', reject);
        stream.end(body);
      });
      expect([status, JSON.parse(text)]).toEqual([200, { data: { me: { name: 'Ada' } } }]);
      expect(headers['strict-transport-security']).toContain('max-age');
    }
    const http1 = await new Promise<number>((resolve, reject) => {
      const sent = httpsRequest(
        secure.url,
        { method: 'POST', headers: json, ca: certificate, agent: false },
        (response) => resolve(response.resume().statusCode!),
      );
      sent.on('error', reject);
      sent.end(body);
    });
    expect(http1).toBe(200);
    await secure.stop();
    expect(session.closed || session.destroyed).toBe(true);
    session.close();
  });

  it.each([
    ['sends nothing', ''],
    ['sends half of its first message', '\x16\x03\x01\x02\x00\x01'],
  ])(
    'cuts on time who %s in place of a handshake',
    async (_, bytes) => {
      const secure = await start({}, { timeouts: { request: '1s' } });
      const { hostname, port } = new URL(secure.url);
      const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
      socket.on('error', () => undefined);
      await new Promise((closed) => socket.once('close', closed));
      await secure.stop();
    },
    30_000,
  );

  it('lets in nobody without a certificate where clients need one', async () => {
    const secure = await start({ clientCa: tls.cert });
    const ask = (own: object) =>
      new Promise<number>((resolve, reject) => {
        const options = { method: 'POST', headers: json, ca: certificate, agent: false, ...own };
        const sent = httpsRequest(secure.url, options, (response) => resolve(response.resume().statusCode!));
        sent.on('error', reject);
        sent.end(body);
      });
    await expect(ask({})).rejects.toThrow();
    const { readFileSync } = await import('node:fs');
    expect(await ask({ cert: certificate, key: readFileSync(tls.key) })).toBe(200);
    await secure.stop();
  });
});

it('keeps secrets out of its log and its answers, whoever writes them', async () => {
  const secret = 'planted-secret-4711-x';
  const careless = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    admin: { port: 0, token: secret },
    headers: { set: { authorization: `Bearer ${secret}-set` } },
    logging: { level: 'trace' },
  });
  graph.accounts.answer = (_, response) => {
    const message = `no route to host 10.0.0.1 with ${secret}-set`;
    response.end(
      JSON.stringify({
        errors: [{ message, extensions: { stacktrace: [secret], code: 'INTERNAL_SERVER_ERROR' } }],
        data: null,
      }),
    );
  };
  const answer = await (await careless.post({ query: '{ me { id name } }' })).text();
  graph.accounts.answer = undefined;
  expect(answer).not.toMatch(/planted|10\.0\.0\.1/);
  expect((await fetch(`${careless.adminUrl}/metrics`)).status).toBe(401);
  expect((await fetch(`${careless.adminUrl}/health/ready`)).status).toBe(200);
  const authorized = await fetch(`${careless.adminUrl}/metrics`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  expect(authorized.status).toBe(200);
  await careless.stop();
  expect(JSON.stringify(careless.log)).not.toContain('planted');
  await canary.stop();
  canary = await startCanary({ url: gateway.url });
});
