/**
 * The clients of the mix: connections in a closed loop, each request for a product by Zipf's law, half of them by one of
 * 1,000 users, each 200th a mutation that raises the product's price. Each answer is parsed and checked: the product that
 * was asked for, who asked, and a price. A read is stale that was sent after the answer to a mutation, and shows a lower
 * price than that one.
 */
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { mulberry32 } from '../fixture/world.mjs';
import { decodeChunks, head, scanHead } from '../lib/http1.mjs';

const productCount = 10_000;
const userCount = 1_000;
const mutationEach = 200;

process.on('message', ({ id, ...options }) =>
  run(options).then(
    (result) => process.send({ id, ...result }),
    (error) => process.send({ id, error: error.message }),
  ),
);
process.on('disconnect', () => process.exit());

/**
 * @param {{
 *   port: number, read: string, readOfUser: string, mutation: string,
 *   connections: number, warmUp: number, seconds: number,
 * }} options queries with `$upc`; times in seconds
 */
async function run({ port, read, readOfUser, mutation, connections, warmUp, seconds }) {
  const random = mulberry32(20);
  const choose = zipf(productCount, random);
  const messageOf = {
    read: messagesOf(port, read),
    readOfUser: messagesOf(port, readOfUser),
    mutation: messagesOf(port, mutation),
  };
  /** The price that clients know by answers to mutations, by product. */
  const known = new Uint32Array(productCount + 1);
  const latencies = [];
  const problems = new Map();
  let sent = 0;
  let stale = 0;
  let reads = 0;
  let isMeasuring = false;
  let isOver = false;

  const clients = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  const busy = clients.map(async (client) => {
    while (!isOver) {
      sent += 1;
      const isMutation = sent % mutationEach === 0;
      const number = choose();
      // Anonymous clients and users in turn.
      const user = sent % 2 === 0 ? undefined : Math.floor(random() * userCount);
      const least = known[number];
      const since = performance.now();
      const kind = isMutation ? 'mutation' : user === undefined ? 'read' : 'readOfUser';
      const { text, status } = await client.ask(messageOf[kind](number, user));
      const took = performance.now() - since;
      const { price, problem } = readAnswer(text, status, { number, user, isMutation });
      if (isMutation && price > known[number]) known[number] = price;
      if (!isMeasuring) continue;
      latencies.push(took);
      if (problem !== undefined) problems.set(problem, (problems.get(problem) ?? 0) + 1);
      if (isMutation || problem !== undefined) continue;
      reads += 1;
      if (price < least) stale += 1;
    }
  });
  await pause(warmUp);
  process.send({ measuring: true });
  isMeasuring = true;
  const started = performance.now();
  await pause(seconds);
  isMeasuring = false;
  const elapsed = (performance.now() - started) / 1000;
  process.send({ measuring: false });
  isOver = true;
  await Promise.all(busy);
  for (const client of clients) client.close();
  latencies.sort((a, b) => a - b);
  const percentile = (share) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  return {
    ...{ requests: latencies.length, perSecond: latencies.length / elapsed, reads, stale },
    ...{ p50: percentile(0.5), p99: percentile(0.99), problems: Object.fromEntries(problems) },
  };
}

function readAnswer(text, status, { number, user, isMutation }) {
  if (status !== 200) return { price: 0, problem: `status ${status}` };
  const { data, errors } = JSON.parse(text);
  if (errors !== undefined) return { price: 0, problem: errors[0].message };
  const product = isMutation ? data.raisePrice : data.product;
  if (product.upc !== `p${number}`) return { price: 0, problem: 'another product' };
  if (!isMutation && (data.me?.id ?? undefined) !== (user === undefined ? undefined : bearer(user)))
    return { price: product.price, problem: 'the data of another user' };
  return { price: product.price };
}

const bearer = (user) => `Bearer user ${user}`;

/** A function of a product and a user that returns the bytes of a request. */
function messagesOf(port, query) {
  const [before, after] = JSON.stringify({ query, variables: { upc: 'pX' } }).split('pX');
  const start = `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: application/json\r\ncontent-type: application/json\r\n`;
  return (number, user) => {
    const body = `${before}p${number}${after}`;
    const identity = user === undefined ? '' : `authorization: ${bearer(user)}\r\n`;
    return `${start}${identity}content-length: ${body.length}\r\n\r\n${body}`;
  };
}

/** Resolves with a connection that sends one request at a time. */
function connect(port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    let kept = Buffer.alloc(0);
    let told;
    socket.once('error', reject);
    socket.once('connect', () =>
      resolve({
        ask: (message) =>
          new Promise((answered, failed) => {
            told = { answered, failed };
            socket.write(message, 'latin1');
          }),
        close: () => socket.destroy(),
      }),
    );
    socket.on('close', () => told?.failed(new Error('a connection was closed')));
    socket.on('data', (chunk) => {
      kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
      if (!scanHead(kept, 0, kept.length)) return;
      const { end, contentLength, chunked } = head;
      const status = Number(kept.latin1Slice(9, 12));
      if (chunked) {
        const decoded = decodeChunks(kept, end);
        if (decoded !== undefined) tell({ status, text: decoded.body.toString() });
      } else if (kept.length >= end + contentLength) {
        tell({ status, text: kept.utf8Slice(end, end + contentLength) });
      }
    });

    function tell(answer) {
      kept = Buffer.alloc(0);
      const { answered } = told;
      told = undefined;
      answered(answer);
    }
  });
}

/** Zipf's law with exponent 1: the second product is asked for half as often as the first. */
function zipf(count, random) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i += 1) sums[i] = sum += 1 / (i + 1);
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
