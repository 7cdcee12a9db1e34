/**
 * `node bench/connections.mjs [--cases idle,tls,subscribed,identities,returning,silent,greedy,unread]`: what do WebSockets that
 * stay open cost, and what can those do that mean harm?
 *
 * Gateway and clients are processes of their own, with room for 20,000 files each (`ulimit -n`).
 *
 * - *idle*, *tls*, *subscribed*, *identities*: resident memory per connection after a garbage collection, by the difference
 *   that `--connections` (5,000) make beside 1,000 others: acknowledged; the same over TLS; each with a subscription, all of
 *   which share a source; each with an `authorization` and a source of its own. Fails when one but *tls* is more than 20 KB.
 * - *returning*: `--returning` (10,000) subscribers leave at once, and come back within 10 s. Fails when one of them does not
 *   get the next event. Judged are the queries of others while they come back; the p99 of those while all connect, or leave, at once
 *   is printed.
 * - *silent*: `--silent` (10,000) connections that never send `connection_init`.
 * - *greedy*: `--operations` (10,000) operations over one connection.
 * - *unread*: `--unread` (100) subscribers that read nothing, while `--rate` (1,000) events a second of 1 KB come.
 *
 * During the last four, others ask two queries every 50 ms. Fails when one of those is not answered rightly or their p99 is
 * 250 ms or more, when a connection is left, or memory is not back within 15 % afterwards (*returning*: 30 %); in *unread*
 * also when the gateway takes more than `subscriptions.unread` allows.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { firstTick, now, serveTicks, subscription, tick, ticksSupergraph } from './fixture/ticks.mjs';
import { startHelper } from './lib/helper.mjs';
import { inspect, inspectable } from './lib/inspector.mjs';
import { ownFolder } from './lib/own-bench.mjs';
import { processTree, residentBytes, scheduledSeconds } from './lib/processes.mjs';
import { startSystem } from './lib/running-system.mjs';
import { weirWith } from './systems.mjs';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: 'idle,tls,subscribed,identities,returning,silent,greedy,unread' },
    connections: { type: 'string', default: '5000' },
    returning: { type: 'string', default: '10000' },
    silent: { type: 'string', default: '10000' },
    operations: { type: 'string', default: '10000' },
    unread: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
  },
});
const count = Number(values.connections);
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const [certificate, key] = ['cert.pem', 'key.pem'].map((name) => file(`../test/support/tls/${name}`));

execFileSync('taskset', ['-acp', '1', String(process.pid)]);
const folder = ownFolder();
const feed = await serveTicks();
const supergraph = join(folder, 'supergraph.graphql');
writeFileSync(supergraph, ticksSupergraph(feed.url));
const clients = startHelper('connections.mjs', 1);
// On their core others measure how long they wait for the gateway.
setPriority(clients.pid, 10);

const cases = {
  idle: () => perConnection('acknowledged'),
  tls: () => perConnection('acknowledged', true),
  subscribed: () => perConnection('subscribed'),
  identities: () => perConnection('subscribed', false, true),
  returning,
  silent,
  greedy,
  unread,
};
for (const name of values.cases.split(',')) {
  if (cases[name] === undefined) throw new Error(`There is no case "${name}".`);
  say(`${name}: ${await cases[name]()}`);
}
clients.stop();
feed.close();

async function perConnection(until, isSecure = false, isOwn = false) {
  const gateway = await startGateway(isSecure);
  const open = (number) =>
    clients.ask({ command: 'open', url: gateway.url, count: number, until, isOwn, ca: gateway.ca });
  await open(1000);
  const before = await gateway.memory();
  await open(count);
  // What was refused, or closed, would cost nothing.
  const { open: left } = await clients.ask({ command: 'count' });
  if (left !== count + 1000) fail(`${count + 1000 - left} connections are not open.`);
  const after = await gateway.memory();
  await clients.ask({ command: 'close' });
  await gateway.stop();
  const each = (what) => `${((after[what] - before[what]) / count / 1000).toFixed(1)} KB`;
  if (!isSecure && (after.rss - before.rss) / count > 20_000) fail('A connection takes more than 20 KB.');
  return `${each('rss')} resident per connection (${each('heapUsed')} of the heap), over ${count}`;
}

async function returning() {
  const number = Number(values.returning);
  return withOthers(async ({ url, pid }, others) => {
    const [coming, leaving] = [[], []];
    others.into(coming);
    await clients.ask({ command: 'open', url, count: number, until: 'subscribed' });
    others.into(leaving);
    await clients.ask({ command: 'close' });
    await wait(1000);
    others.into(others.times);
    const used = () => scheduledSeconds(processTree(pid));
    const before = used();
    const { milliseconds } = await clients.ask({
      ...{ command: 'open', url, count: number, until: 'subscribed', within: 10_000 },
    });
    await wait(1000);
    const each = ((used() - before) * 1000) / number;
    feed.send(tick(0, 250));
    let told;
    for (let i = 0; i < 50 && (told?.events ?? 0) < number; i += 1) {
      await wait(100);
      told = await clients.ask({ command: 'count' });
    }
    if (told.events !== number) fail(`${number - told.events} clients did not get an event.`);
    others.into(leaving);
    await clients.ask({ command: 'close' });
    const p99 = (times) => `${percentile(times, 0.99).toFixed(0)} ms`;
    return (
      `${number} clients came back within ${seconds(milliseconds)}, ${told.events} of them got the next event; ` +
      `${each.toFixed(2)} ms of CPU time each, with all that the gateway did meanwhile; ` +
      `p99 of others ${p99(coming)} while all came at once, ${p99(leaving)} while all left at once`
    );
    // What V8 has compiled and learned for it stays.
  }, 0.3);
}

async function silent() {
  const number = Number(values.silent);
  return withOthers(async ({ url }) => {
    const { milliseconds } = await clients.ask({ command: 'open', url, count: number, until: 'open' });
    let told;
    do {
      await wait(200);
      told = await clients.ask({ command: 'count' });
    } while (told.open > 0 && performance.now() < milliseconds + 60_000);
    if (told.open > 0 || told.closes[4408] !== number)
      fail(`Not all were closed with 4408: ${JSON.stringify(told)}`);
    return `${number} connections in ${seconds(milliseconds)}, closes by code ${JSON.stringify(told.closes)}, the last ${seconds(told.lastClose)} after the first was opened`;
  });
}

async function greedy() {
  return withOthers(async ({ url }) => {
    const { answers, milliseconds } = await clients.ask({
      ...{ command: 'begin', url, operations: Number(values.operations), query: '{ now }' },
    });
    return `${JSON.stringify(answers)} in ${seconds(milliseconds)}`;
  });
}

async function unread() {
  const [number, rate, duration] = [values.unread, values.rate, values.seconds].map(Number);
  return withOthers(async ({ url, pid }) => {
    const readers = await Promise.all(Array.from({ length: 10 }, () => openReader(url)));
    const baseline = residentBytes([pid]);
    await clients.ask({ command: 'open', url, count: number, until: 'subscribed', isReading: false });
    await wait(500);
    const sentAt = new Map();
    let most = 0;
    let sent = 0;
    const start = performance.now();
    /** What the kernel takes for clients that read nothing is not full before. */
    const steadyAfter = duration / 2;
    for (let passed = 0; passed < duration * 1000; passed = performance.now() - start) {
      for (; sent < (passed / 1000) * rate; sent += 1) {
        sentAt.set(sent, performance.now());
        feed.send(tick(sent, 1000));
      }
      if (sent % 100 === 0) most = Math.max(most, residentBytes([pid]));
      await wait(1);
    }
    await wait(1000);
    const latencies = readers
      .flatMap(({ got }) => got)
      .map(({ n, at }) => ({ after: sentAt.get(n) - start, took: at - sentAt.get(n) }));
    const of = (list) =>
      [percentile(list, 0.5), percentile(list, 0.99)].map((one) => one.toFixed(1)).join(' and ');
    const early = latencies.filter(({ after }) => after < steadyAfter * 1000).map(({ took }) => took);
    const late = latencies.filter(({ after }) => after >= steadyAfter * 1000).map(({ took }) => took);
    for (const { socket } of readers) socket.terminate();
    const { open } = await clients.ask({ command: 'count' });
    await clients.ask({ command: 'close' });
    const grown = (most - baseline) / 1e6;
    // 1 MiB of answers may wait for each; beside them, 150 MB are for garbage.
    const allowed = number * 1.05 + 150;
    if (grown > allowed)
      fail(`${grown.toFixed(0)} MB more than before, where ${allowed.toFixed(0)} are allowed.`);
    if (!(percentile(late, 0.99) < 250)) fail('Readers wait too long for their events.');
    return (
      `${sent} events in ${duration} s; ${number} clients read nothing, ${open} of them stay; at most ${grown.toFixed(0)} MB more; ` +
      `10 others had ${latencies.length} of ${10 * sent} events, p50 and p99 ${of(early)} ms in the first half, ` +
      `${of(late)} ms in the second`
    );
  });
}

/** A client that notes when each event came. */
async function openReader(url) {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  const got = [];
  await new Promise((resolve) => {
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(data);
      if (type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: subscription }));
        resolve();
      } else got.push({ n: payload.data.tick.n - firstTick, at: performance.now() });
    });
  });
  return { socket, got };
}

/** Runs `work({ url, pid })` while others ask, and says what became of them and of the memory. */
async function withOthers(work, mostGrowth = 0.15) {
  const gateway = await startGateway();
  const before = await gateway.memory();
  await gateway.evaluate(`
    globalThis.loopDelay = process.getBuiltinModule('perf_hooks').monitorEventLoopDelay({ resolution: 1 });
    loopDelay.enable();`);
  const others = askAllTheWhile(gateway);
  const told = await work(gateway, others);
  const wrong = await others.end();
  const { times } = others;
  const held = (await gateway.evaluate('loopDelay.max')) / 1e6;
  // Until the last connections are forgotten.
  await wait(2000);
  const after = await gateway.memory();
  await gateway.stop();
  const [p99, growth] = [percentile(times, 0.99), after.heapUsed / before.heapUsed - 1];
  if (wrong > 0) fail(`${wrong} of ${times.length} queries of others were not answered rightly.`);
  if (!(p99 < 250)) fail('Others wait too long for their answers.');
  if (growth > mostGrowth) fail(`The heap is ${(growth * 100).toFixed(0)} % larger than before.`);
  return (
    `${told}; ${times.length} queries of others, p99 ${p99.toFixed(1)} ms, the loop was held for at most ` +
    `${held.toFixed(1)} ms; heap ${megabytes(before.heapUsed)} before, ` +
    `${megabytes(after.heapUsed)} afterwards, resident ${megabytes(before.rss)} and ${megabytes(after.rss)}`
  );
}

function askAllTheWhile({ ask }) {
  const queries = [
    ['{ __typename }', '{"data":{"__typename":"Query"}}'],
    ['{ now }', `{"data":{"now":${now}}}`],
  ];
  const times = [];
  let list = times;
  let wrong = 0;
  let left = 0;
  const timer = setInterval(() => {
    for (const [query, expected] of queries) {
      const [start, begunIn] = [performance.now(), list];
      left += 1;
      ask(JSON.stringify({ query }))
        .then(({ text }) => {
          if (text !== expected) wrong += 1;
        })
        .catch(() => (wrong += 1))
        .finally(() => {
          begunIn.push(performance.now() - start);
          left -= 1;
        });
    }
  }, 50);
  return {
    /** Milliseconds of each query, but of those that are directed elsewhere. */
    times,
    /** Directs the milliseconds of the queries from now on into this list. */
    into: (other) => (list = other),
    /** Returns how many were not answered rightly. */
    async end() {
      clearInterval(timer);
      while (left > 0) await wait(10);
      return wrong;
    },
  };
}

async function startGateway(isSecure = false) {
  const config = join(folder, 'weir.yaml');
  const tls = isSecure ? `tls: { cert: ${certificate}, key: ${key} }\n` : '';
  writeFileSync(config, readFileSync(file('servers/weir-events.yaml'), 'utf8') + tls);
  const running = await startSystem(weirWith(config), {
    ...{ supergraph, operation: '{"query":"{ now }"}', cores: [0], nodeFlags: [inspectable] },
    ca: isSecure ? readFileSync(certificate) : undefined,
  });
  const inspector = await inspect(running.said());
  return {
    ...running,
    url: isSecure ? `wss://localhost:${running.port}/graphql` : `ws://127.0.0.1:${running.port}/graphql`,
    ca: isSecure ? certificate : undefined,
    evaluate: inspector.evaluate,
    async memory() {
      await wait(1000);
      for (let i = 0; i < 3; i += 1) await inspector.send('HeapProfiler.collectGarbage');
      return JSON.parse(await inspector.evaluate('JSON.stringify(process.memoryUsage())'));
    },
    async stop() {
      inspector.close();
      await running.stop();
    },
  };
}

function percentile(list, share) {
  return list.toSorted((one, other) => one - other)[Math.floor(list.length * share)] ?? NaN;
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function fail(sentence) {
  say(sentence);
  process.exitCode = 1;
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
