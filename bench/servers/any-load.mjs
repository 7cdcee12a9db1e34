/**
 * Clients for `features.mjs`: 50 requests at a time over HTTP/1.1, TLS or HTTP/2, each answer compared with the right one.
 * They cost more than those of `load.mjs`, and understand more: several operations, several headers, compressed answers.
 */
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { readFileSync } from 'node:fs';
import { decodeChunks, head, scanHead } from '../lib/http1.mjs';

const CONNECTIONS = 50;
/** Of HTTP/2: each has five streams at a time. */
const SESSIONS = 10;

let count = 0;

process.on('message', ({ id, ...options }) =>
  run(options).then(
    (result) => process.send({ id, ...result }),
    (error) => process.send({ id, error: error.stack }),
  ),
);
process.on('disconnect', () => process.exit());

/**
 * @param {{
 *   port: number, ca?: string, http2?: boolean, bodies: string[], headers: Record<string, string>[], expected?: string[],
 *   seconds: number
 * }} options `bodies` and `headers` are those of each request in turn; a request without `authorization` gets one of its
 *   own. `expected` are the answers to the bodies, in base64; without them each body is sent once, and the answers are
 *   returned. Sends `{ measuring }` when all are connected.
 */
async function run({ expected, seconds, ...options }) {
  const clients = await (options.http2 ? openStreams(options) : openConnections(options));
  if (expected === undefined) {
    const answers = [];
    for (let i = 0; i < options.bodies.length; i += 1)
      answers.push(
        (await clients[0].send(i, { ...options.headers[i % options.headers.length] })).toString('base64'),
      );
    for (const { close } of clients) close();
    return { answers };
  }
  const right = expected.map((text) => Buffer.from(text, 'base64'));
  const latencies = [];
  const wrong = {};
  process.send({ measuring: true });
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    clients.map(async ({ send }) => {
      while (performance.now() < end) {
        count += 1;
        const i = count % options.bodies.length;
        const sentAt = performance.now();
        const answer = await send(i, { ...options.headers[count % options.headers.length] });
        latencies.push(performance.now() - sentAt);
        if (!answer.equals(right[i])) {
          const text = answer.toString('latin1').slice(0, 200);
          wrong[text] = (wrong[text] ?? 0) + 1;
        }
      }
    }),
  );
  const elapsed = (performance.now() - started) / 1000;
  for (const { close } of clients) close();
  return { requests: latencies.length, perSecond: latencies.length / elapsed, wrong };
}

const own = (headers) => ({ authorization: `Bearer ${String(count).padStart(12, '0')}`, ...headers });

function openConnections({ port, ca, bodies }) {
  const sizes = bodies.map((body) => Buffer.byteLength(body));
  const connect = () =>
    ca === undefined
      ? net.connect({ host: '127.0.0.1', port, noDelay: true })
      : tls.connect({ host: 'localhost', port, ca: readFileSync(ca), noDelay: true });
  const open = async () => {
    const socket = connect();
    let settle;
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      if (!scanHead(bytes, 0, bytes.length)) return;
      const { end, contentLength, chunked } = head;
      const decoded = chunked ? decodeChunks(bytes, end) : undefined;
      const body = chunked ? decoded?.body : bytes.subarray(end, end + contentLength);
      if (body === undefined || (!chunked && body.length < contentLength)) return;
      const isOk = bytes.latin1Slice(9, 12) === '200';
      const answer = isOk ? body : bytes;
      bytes = Buffer.alloc(0);
      settle.resolve?.(answer);
    });
    socket.on('error', (error) => settle?.reject(error));
    socket.on('close', () => settle?.reject(new Error('The connection was closed.')));
    await new Promise((resolve, reject) => {
      settle = { reject };
      socket.once(ca === undefined ? 'connect' : 'secureConnect', resolve);
    });
    const send = (i, its) => {
      const lines = Object.entries(own(its)).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(
        `POST /graphql HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-type: application/json\r\n` +
          `content-length: ${sizes[i]}\r\n${lines.join('')}\r\n${bodies[i]}`,
      );
      return new Promise((resolve, reject) => (settle = { resolve, reject }));
    };
    return { send, close: () => socket.destroy() };
  };
  return Promise.all(Array.from({ length: CONNECTIONS }, open));
}

async function openStreams({ port, ca, bodies }) {
  const sessions = Array.from({ length: SESSIONS }, () =>
    http2.connect(`https://localhost:${port}`, { ca: readFileSync(ca) }),
  );
  return Array.from({ length: CONNECTIONS }, (_, i) => {
    const session = sessions[i % SESSIONS];
    const send = (which, its) =>
      new Promise((resolve, reject) => {
        const stream = session.request({
          ...{ ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json', ...own(its) },
        });
        const chunks = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', () => resolve(Buffer.concat(chunks)));
        stream.on('error', reject);
        stream.end(bodies[which]);
      });
    return { send, close: () => session.destroy() };
  });
}
