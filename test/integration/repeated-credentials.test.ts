import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { askForLeave } from '../support/ask-for-leave';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    headers: { forward: ['authorization'] },
    auth: {
      anonymous: true,
      apiKeys: [{ client: 'web', sha256: createHash('sha256').update('k').digest('hex') }],
      oidc: [{ issuer: 'https://a.test', audience: 'shop', jwks: { keys: [] }, header: 'x-jwt' }],
    },
  });
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

const body = '{"query":"{ me { name } }"}';

/** Sends headers as they are written. */
function send(method: string, target: string, headers: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  const length =
    method === 'POST' ? [`content-length: ${body.length}`, 'content-type: application/json'] : [];
  const lines = [`${method} ${target} HTTP/1.1`, 'host: x', 'connection: close', ...length, ...headers];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${method === 'POST' ? body : ''}`);
  return text(socket);
}

it.each([
  ['is wrong', 'x', [401]],
  ['is good', 'k', [100, 200]],
])('looks at a key that %s before the client gets leave to send its body', async (_, key, statuses) => {
  expect(await askForLeave(gateway.url, { 'x-api-key': key }, body)).toEqual(statuses);
});

const get = `/graphql?query=${encodeURIComponent('{ me { name } }')}`;

beforeEach(() => {
  graph.accounts.requests.length = 0;
});

describe.each([
  ['a POST', 'POST', '/graphql', []],
  ['a POST that waits for leave', 'POST', '/graphql', ['expect: 100-continue']],
  ['a POST with a parameter', 'POST', '/graphql?x=1', []],
  ['a GET', 'GET', get, ['apollo-require-preflight: 1']],
])('%s', (_way, method, target, more) => {
  it.each([
    ['authorization', 'Authorization: a', 'AUTHORIZATION: b'],
    ['authorization', 'authorization: a', 'authorization: a'],
    ['x-api-key', 'x-api-key: k', 'X-Api-Key: k'],
    ['x-jwt', 'x-jwt: a', 'X-JWT: a'],
    ['x-amz-date', 'x-amz-date: 20270131T120000Z', 'x-amz-date: 20270131T120000Z'],
    ['x-amz-security-token', 'x-amz-security-token: a', 'x-amz-security-token: b'],
    ['x-amz-content-sha256', 'x-amz-content-sha256: a', 'x-amz-content-sha256: b'],
  ])('with two headers "%s" is refused', async (name, one, other) => {
    const answer = await send(method, target, [one, 'x-between: 1', other, ...more]);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(`The header \\"${name}\\" was sent more than once.`);
    expect(graph.accounts.requests).toEqual([]);
  });
});

it('one header of each kind is no repetition', async () => {
  const answer = await send('POST', '/graphql', [
    'x-api-key: k',
    'x-amz-date: now',
    'cookie: a=1',
    'cookie: b=2',
  ]);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});

describe('over HTTP/2', () => {
  it.each([
    ['authorization', 'a', 'b', true],
    ['authorization', 'a', 'a', true],
    ['x-api-key', 'k', 'k', true],
    ['x-api-key', 'k', 'k', false],
  ])(
    'two headers "%s" (%s, %s) are refused by a whole answer; the body comes: %s',
    async (name, one, other, hasBody) => {
      const files = join(__dirname, '../support/tls');
      const secure = await startTestGateway({
        supergraph: sourceOf(graph.supergraphSdl),
        tls: { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') },
      });
      try {
        const headers = [[name, one] as const, [name, other] as const];
        const answer = await sendFrames(new URL(secure.url), headers, hasBody);
        expect(answer).toContain(`The header \\"${name}\\" was sent more than once.`);
        expect(graph.accounts.requests).toEqual([]);
      } finally {
        await secure.stop();
      }
    },
  );
});

/**
 * Writes the frames by hand, as Node's client sends no such headers. The data that comes, until the stream ends; fails where
 * it is reset before (RFC 9113, section 8.1), which Node's client does not notice.
 */
function sendFrames(
  { host, hostname, port }: URL,
  headers: readonly (readonly [string, string])[],
  hasBody: boolean,
): Promise<string> {
  const socket = connectTls({ host: hostname, port: Number(port), ca: certificate, ALPNProtocols: ['h2'] });
  const all = [
    ...[
      [':method', 'POST'],
      [':scheme', 'https'],
      [':authority', host],
      [':path', '/graphql'],
    ],
    ...[['content-type', 'application/json'], ...headers],
  ];
  // RFC 7541, section 6.2.2: literals without indexing.
  const block = Buffer.concat(
    all.map((pair) =>
      Buffer.concat([Buffer.of(0), ...pair.flatMap((part) => [Buffer.of(part.length), Buffer.from(part)])]),
    ),
  );
  const [settings, headersType, data, reset, endHeaders, endStream] = [4, 1, 0, 3, 4, 1];
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(settings, 0, 0, Buffer.alloc(0)));
  socket.write(frame(headersType, endHeaders, 1, block));
  if (hasBody) socket.write(frame(data, endStream, 1, Buffer.from(body)));
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    let told = '';
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`The stream has not ended, after: ${told}`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
        const length = received.readUIntBE(0, 3);
        const [type, flags, stream] = [received[3], received[4]!, received.readUInt32BE(5)];
        if (type === data) told += received.subarray(9, 9 + length).toString();
        received = received.subarray(9 + length);
        if (stream !== 1) continue;
        if ((type === data || type === headersType) && (flags & endStream) !== 0) resolve(told);
        else if (type !== reset) continue;
        socket.destroy();
      }
    });
  });
}

/** RFC 9113, section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
