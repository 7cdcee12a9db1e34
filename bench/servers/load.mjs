/**
 * The clients: connections that are opened before the clock starts, one request at a time on each, every response
 * compared byte for byte with the one that is right. Each request has an `authorization` of its own.
 *
 * Without a rate a connection sends its next request as soon as it has its answer (closed loop). With one, requests
 * are due at fixed times whether or not the answers keep up, and latency counts from when a request was due, so that
 * waiting for a slow gateway is not forgotten. Requests are due to the millisecond. Longer than other files: a client is
 * one state machine, as cheap as it can be.
 */
import net from 'node:net';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { decodeChunks, head, scanHead } from '../lib/http1.mjs';

/** One buffer for all connections: what is read is compared at once and never kept. */
const readBuffer = Buffer.allocUnsafe(512 * 1024);
const STUCK_AFTER = 30_000;
const DRAIN_LIMIT = 10_000;

let credentials = 0;

process.on('message', ({ id, ...options }) =>
  run(options).then(
    (result) => process.send({ id, ...result }),
    (error) => process.send({ id, error: error.message }),
  ),
);
process.on('disconnect', () => process.exit());

/**
 * @param {{
 *   port: number, connections: number, body: string, expected: string, stamp?: string, get?: boolean,
 *   identities?: number, headers?: Record<string, string>[], warmUp: number, seconds: number, rate?: number,
 *   slowest?: number,
 * }} options times in seconds, rate in requests per second; `headers` are those of each request in turn, in place of
 *   `authorization` (not together with `stamp`); `slowest` is a share of the requests, whose times are then answered, in
 *   microseconds of the monotonic clock. Sends `{ measuring }` when the clock starts and when it stops.
 */
async function run(options) {
  const messages = options.headers?.map((headers) => messageOf(options, headers));
  const clients = await Promise.all(
    Array.from({ length: options.connections }, () => connect(options, messages)),
  );
  const latencies = [];
  const spans = [];
  const wrong = new Map();
  /** Since they were asked for: of answers that were right, and of those that were wrong. */
  const rightLatencies = [];
  const wrongLatencies = [];
  let measuring = false;
  let stopping = false;
  let finished = 0;
  let finishedInAll = 0;
  let lastAnswer = performance.now();

  const due = new Queue();
  const idle = [];
  const closedLoop = options.rate === undefined;
  for (const client of clients) {
    client.onAnswer = (problem) => {
      lastAnswer = performance.now();
      finishedInAll += 1;
      if (measuring) {
        finished += 1;
        latencies.push(lastAnswer - client.dueAt);
        if (options.slowest !== undefined) spans.push([client.dueAt, lastAnswer]);
        if (problem !== undefined) wrong.set(problem, (wrong.get(problem) ?? 0) + 1);
        (problem === undefined ? rightLatencies : wrongLatencies).push(lastAnswer - client.sentAt);
      }
      if (stopping) idle.push(client);
      else if (closedLoop) sendAndRest(client, performance.now());
      else if (due.length > 0) sendAndRest(client, due.shift());
      else idle.push(client);
    };
    if (closedLoop) client.send(performance.now());
    else idle.push(client);
  }
  const clock = closedLoop
    ? undefined
    : tick(options.rate, (at) => (idle.length > 0 ? idle.shift().send(at) : due.push(at)));

  await pause(options.warmUp * 1000);
  // Of these clients: what they add to all that they measure.
  const lateness = monitorEventLoopDelay({ resolution: 1 });
  lateness.enable();
  process.send({ measuring: true });
  const started = performance.now();
  measuring = true;
  while (performance.now() - started < options.seconds * 1000) {
    await pause(Math.max(1, Math.min(500, started + options.seconds * 1000 - performance.now())));
    if (performance.now() - lastAnswer > STUCK_AFTER) break;
  }
  measuring = false;
  lateness.disable();
  const elapsed = (performance.now() - started) / 1000;
  process.send({ measuring: false });
  const unanswered = due.length;
  clearInterval(clock);
  // What is under way is waited for, so that the calls of all requests can be counted.
  stopping = true;
  for (let waited = 0; idle.length < clients.length && waited < DRAIN_LIMIT; waited += 5) await pause(5);
  for (const client of clients) client.close();
  if (finished === 0) throw new Error('no request was answered');

  latencies.sort((a, b) => a - b);
  rightLatencies.sort((a, b) => a - b);
  wrongLatencies.sort((a, b) => a - b);
  const percentile = (share, of = latencies) => of[Math.min(of.length - 1, Math.floor(of.length * share))];
  return {
    requests: finished,
    requestsInAll: finishedInAll,
    seconds: elapsed,
    perSecond: finished / elapsed,
    p50: percentile(0.5),
    p90: percentile(0.9),
    p99: percentile(0.99),
    max: latencies.at(-1),
    slowest: slowestOf(spans, options.slowest),
    unanswered,
    reconnects: clients.reduce((sum, client) => sum + client.reconnects, 0),
    wrong: Object.fromEntries(wrong),
    rightP50: percentile(0.5, rightLatencies),
    rightP99: percentile(0.99, rightLatencies),
    wrongP50: percentile(0.5, wrongLatencies),
    wrongP99: percentile(0.99, wrongLatencies),
    lateP50: lateness.percentile(50) / 1e6,
    lateP99: lateness.percentile(99) / 1e6,
  };
}

/** @returns the beginning and the end of each of these requests, in microseconds of the monotonic clock, earliest first */
function slowestOf(spans, share = 0) {
  const origin = Number(process.hrtime.bigint()) / 1e3 - performance.now() * 1e3;
  return spans
    .sort(([a, b], [c, d]) => d - c - (b - a))
    .slice(0, Math.ceil(spans.length * share))
    .map((span) => span.map((milliseconds) => origin + milliseconds * 1e3))
    .sort(([a], [b]) => a - b);
}

/** @returns a connected client: `send(dueAt)` asks, `onAnswer(problem)` is called once the whole answer was compared. */
function connect(options, messages) {
  const { port, expected, stamp, identities = Infinity } = options;
  const request = messageOf(options, { authorization: 'Bearer 000000000000' });
  const right = Buffer.from(expected);
  const requestDigits = [{ end: request.indexOf('Bearer 000000000000') + 19, length: 12 }];
  const rightDigits = [];
  if (stamp !== undefined) {
    const length = stamp.length - 1;
    requestDigits.push(...places(request, stamp).map((at) => ({ end: at + stamp.length, length })));
    rightDigits.push(...places(right, stamp).map((at) => ({ end: at + stamp.length, length })));
  }

  const client = { dueAt: 0, sentAt: 0, onAnswer: undefined, reconnects: 0, send, close };
  let socket;
  let busy = false;
  let closed = false;
  let inHead = true;
  let left = 0;
  let offset = 0;
  let problem;
  /** Bytes of a head that came in parts, or of a body in chunks; both are rare. */
  let kept;
  return new Promise((resolve, reject) => {
    open();
    socket.once('error', reject);
    socket.once('connect', () => resolve(client));
  });

  function open() {
    inHead = true;
    kept = undefined;
    problem = undefined;
    socket = net.connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: onRead },
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (closed || client.onAnswer === undefined) return;
      // A server may close a connection that was idle for long; one that does so without end is down.
      client.reconnects += 1;
      if (client.reconnects > 100) return;
      open();
      if (busy) finish('the connection was closed');
    });
  }

  function close() {
    closed = true;
    socket.destroy();
  }

  function send(dueAt) {
    client.dueAt = dueAt;
    client.sentAt = performance.now();
    busy = true;
    credentials += 1;
    if (messages !== undefined) {
      socket.write(messages[credentials % messages.length]);
      return;
    }
    // The first place is that of the credentials.
    for (const [i, { end, length }] of requestDigits.entries())
      writeDigits(request, end, length, i === 0 ? credentials % identities : credentials);
    for (const { end, length } of rightDigits) writeDigits(right, end, length, credentials);
    socket.write(request);
  }

  function onRead(length, buffer) {
    let bytes = buffer;
    let at = 0;
    let end = length;
    if (kept !== undefined) {
      bytes = Buffer.concat([kept, buffer.subarray(0, length)]);
      end = bytes.length;
      kept = undefined;
    }
    if (inHead) {
      if (!scanHead(bytes, 0, end)) return keep(bytes, end);
      if (head.chunked) {
        const decoded = decodeChunks(bytes.subarray(0, end), head.end);
        if (decoded === undefined) return keep(bytes, end);
        if (!isOk(bytes)) problem = refusal(bytes, end);
        else if (!decoded.body.equals(right)) problem = 'another body';
        return finish(problem);
      }
      problem = isOk(bytes) ? undefined : refusal(bytes, end);
      left = Math.max(0, head.contentLength);
      if (left !== right.length) problem ??= `a body of ${left} bytes instead of ${right.length}`;
      at = head.end;
      offset = 0;
      inHead = false;
    }
    const size = Math.min(left, end - at);
    if (problem === undefined && right.compare(bytes, at, at + size, offset, offset + size) !== 0)
      problem = 'another body';
    offset += size;
    left -= size;
    if (left === 0) finish(problem);
    return true;
  }

  function keep(bytes, end) {
    kept = Buffer.from(bytes.subarray(0, end));
    return true;
  }

  function finish(found) {
    problem = undefined;
    inHead = true;
    busy = false;
    client.onAnswer(found);
    return true;
  }
}

function messageOf({ port, body, get = false }, headers) {
  const lines = Object.entries({ host: `127.0.0.1:${port}`, accept: 'application/json', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  return Buffer.from(
    get
      ? `GET /graphql?${searchOf(body)} HTTP/1.1\r\n${lines}apollo-require-preflight: yes\r\n\r\n`
      : `POST /graphql HTTP/1.1\r\n${lines}content-type: application/json\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** A request's body as a query string. */
function searchOf(body) {
  const { query, variables = {} } = JSON.parse(body);
  return new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString();
}

const isOk = (bytes) => bytes[9] === 50 && bytes[10] === 48 && bytes[11] === 48;
/** The status, and the code of the error. */
function refusal(bytes, end) {
  const text = bytes.latin1Slice(0, end);
  return [text.slice(9, text.indexOf('\r\n')), /"code":"(\w+)"/.exec(text)?.[1]].filter(Boolean).join(' ');
}

/**
 * Clients that ask again at once look at their connections at most every 0.05 ms: what came meanwhile is read in one
 * turn. To wake up for each answer takes half as much of the core again, and the fastest servers wait for it.
 */
function sendAndRest(client, dueAt) {
  client.send(dueAt);
  if (restIsDue) return;
  restIsDue = true;
  setImmediate(rest);
}

let restIsDue = false;
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

function rest() {
  restIsDue = false;
  Atomics.wait(nobodyWakes, 0, 0, 0.05);
}

/** First in, first out. An array takes as long to hand out its first item as it has items. */
class Queue {
  #items = [];
  #first = 0;

  get length() {
    return this.#items.length - this.#first;
  }

  push(item) {
    this.#items.push(item);
  }

  shift() {
    const item = this.#items[this.#first++];
    if (this.#first === 10_000) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}

/** Calls `send` with the time at which each request is due. */
function tick(rate, send) {
  const started = performance.now();
  let sent = 0;
  return setInterval(() => {
    const until = ((performance.now() - started) * rate) / 1000;
    for (; sent < until; sent += 1) send(started + (sent * 1000) / rate);
  }, 1);
}

function places(bytes, text) {
  const found = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) found.push(at);
  return found;
}

function writeDigits(bytes, end, length, value) {
  for (let i = end - 1; i >= end - length; i -= 1) {
    bytes[i] = 48 + (value % 10);
    value = Math.floor(value / 10);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
