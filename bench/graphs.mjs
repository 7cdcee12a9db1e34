/**
 * `node bench/graphs.mjs [--graphs 200] [--open 20] [--seconds 20]`: what do the graphs of a gateway cost?
 *
 * Variants of the reference shop, each with a subgraph that names its variant. Clients of the default graph send 100 requests
 * a second, whose call of a subgraph takes 4 ms: alone, beside the open graphs, and while two others request all variants in
 * random order, so that graphs open and close all the time. Then come 10,000 requests each for names that do not exist and that
 * the caller may not use, and 2,000 for names of variants, 200 at once.
 *
 * Fails when an answer is wrong, when p99 of the default graph is more than 1.1 times that without other graphs, when an open
 * graph takes more than 3 MB of the heap, when memory grows with the number of variants or of names, or when a name that gets
 * no graph takes 1 ms of CPU time.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Agent } from 'undici';
import { startHelper } from './lib/helper.mjs';
import { inspect, inspectable } from './lib/inspector.mjs';
import { ownFolder } from './lib/own-bench.mjs';
import { cpuSeconds, residentBytes } from './lib/processes.mjs';
import { startSystem } from './lib/running-system.mjs';

const { values } = parseArgs({
  options: {
    graphs: { type: 'string', default: '200' },
    open: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '20' },
  },
});
const [graphs, open, seconds] = [values.graphs, values.open, values.seconds].map(Number);
const root = join(import.meta.dirname, '..');
const weir = join(root, 'cli/weir.mjs');
const { Registry, openRegistryStore } = createRequire(import.meta.url)('../dist/schema');
const key = 'bench-key';
const operation = JSON.stringify({ query: '{ whose }' });

execFileSync('taskset', ['-acp', '1', String(process.pid)]);
const folder = ownFolder();
const registry = join(folder, 'registry');
const subgraph = await serveWhose();
await publishVariants();
const clients = startHelper('load.mjs', 1);
const gateway = await startGateway();
const inspector = await inspect(gateway.said());
const agent = new Agent({ connections: 200 });
await inspector.evaluate(`
  globalThis.loopDelay = process.getBuiltinModule('perf_hooks').monitorEventLoopDelay({ resolution: 1 });
  loopDelay.enable();`);

await beside('warm-up');
const alone = await memory();
const without = await beside('alone');
for (let i = 0; i < open; i += 1) await request(`pr-${i}`);
const held = await memory();
const [heapOfEach, residentOfEach] = held.map((bytes, i) => (bytes - alone[i]) / open / 1e6);
say(
  `${open} open graphs: ${heapOfEach.toFixed(2)} MB of the heap and ${residentOfEach.toFixed(2)} MB resident for each`,
);
if (heapOfEach > 3) fail('An open graph takes more than 3 MB of the heap.');
judge(await beside('beside open graphs'));
judge(await beside(`beside ${graphs} graphs in random order`, inRandomOrder));
await judgeMemory('these');
await judgeNames('names that do not exist', 10_000, (i) => `none-${i}`, ['404', '503']);
await judgeNames('names that the caller may not use', 10_000, (i) => `secret-${i}`, ['404']);
await judgeNames('names of variants', 2000, (i) => `pr-${(i * 7919) % graphs}`, ['200', '503']);
inspector.close();
await gateway.stop();
await agent.destroy();
clients.stop();
subgraph.close();
subgraph.closeAllConnections();

/** Answers by the path: each variant has one of its own. */
async function serveWhose() {
  const server = createServer((message, response) => {
    message.resume().on('end', () => {
      const body = JSON.stringify({ data: { whose: message.url.slice(1) } });
      setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(body), 4);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function publishVariants() {
  const config = join(root, 'schema/supergraph.yaml');
  const given = ['--config', config, '--registry', registry, '--graph', 'shop@prod'];
  execFileSync(process.execPath, [weir, 'publish', ...given]);
  const store = await openRegistryStore(registry);
  for (const variant of ['prod', ...Array.from({ length: graphs }, (_, i) => `pr-${i}`)]) {
    if (variant !== 'prod')
      cpSync(join(registry, 'shop@prod'), join(registry, `shop@${variant}`), { recursive: true });
    const whose = {
      ...{ name: 'whose', file: 'whose.graphql', sdl: 'type Query { whose: String }' },
      routingUrl: `http://127.0.0.1:${subgraph.address().port}/${variant}`,
    };
    const published = new Registry({ store, variant: { graph: 'shop', variant } });
    const { outcome } = await published.publish([whose], { by: 'bench' });
    if (outcome !== 'published') throw new Error(`shop@${variant} is ${outcome}.`);
  }
  await store.close();
}

function startGateway() {
  const config = join(folder, 'weir.json');
  const sha256 = createHash('sha256').update(key).digest('hex');
  const options = {
    ...{ mode: 'production', admin: { port: 0 }, logging: { level: 'warn' } },
    supergraph: { registry, keep: join(folder, 'kept.graphql') },
    auth: { apiKeys: [{ client: 'bench', sha256, groups: ['staff'] }] },
    graphs: {
      default: 'shop@prod',
      choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
      allow: ['pr-*', 'none-*'].map((name) => ({ graph: `shop@${name}`, groups: ['staff'] })),
      open,
    },
  };
  writeFileSync(config, JSON.stringify(options));
  const main = join(root, 'dist/cli/main.js');
  const command = ({ port }) => [main, 'gateway', '--config', config, '--port', port];
  return startSystem(
    { label: 'Weir', command },
    { operation, cores: [0], headers: { 'x-api-key': key }, nodeFlags: [inspectable, '--expose-gc'] },
  );
}

/** Sends to one variant. Fails when another one answers. */
async function request(variant, expected = ['200']) {
  const { statusCode, body } = await agent.request({
    ...{ origin: `http://127.0.0.1:${gateway.port}`, path: '/graphql', method: 'POST', body: operation },
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'x-weir-graph': variant },
  });
  const text = await body.text();
  if (!expected.includes(String(statusCode))) fail(`A request to ${variant} got ${statusCode}: ${text}`);
  if (statusCode === 200 && text !== `{"data":{"whose":"${variant}"}}`)
    fail(`A request to ${variant} got ${text}`);
  return statusCode;
}

/** Measures the default graph beside other work. Resolves with p99 in milliseconds. */
async function beside(name, work = async () => undefined) {
  await inspector.evaluate('loopDelay.reset()');
  let isOver = false;
  const others = work(() => isOver);
  const { p50, p99, wrong, unanswered } = await clients.ask({
    ...{ port: gateway.port, connections: 50, body: operation, expected: '{"data":{"whose":"prod"}}' },
    ...{ headers: [{ 'x-api-key': key }], warmUp: 0, rate: 100, seconds },
  });
  isOver = true;
  const more = await others;
  const late = await inspector.evaluate('[loopDelay.percentile(99), loopDelay.max].join()');
  const [usual, most] = late.split(',').map((nanoseconds) => (nanoseconds / 1e6).toFixed(1));
  say(
    `${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms; the event loop was held for ${usual} ms (p99), ${most} ms at most`,
    ...(more === undefined ? [] : [more]),
  );
  for (const [what, count] of Object.entries(wrong)) fail(`${count} × ${what}`);
  if (unanswered > 0) fail(`${unanswered} requests were not answered.`);
  return p99;
}

async function inRandomOrder() {
  const left = Array.from({ length: graphs }, (_, i) => [Math.random(), `pr-${i}`]);
  left.sort(([a], [b]) => a - b);
  const client = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await request(next[1]);
  };
  const started = performance.now();
  await Promise.all([client(), client()]);
  return `all of ${graphs} graphs have answered after ${((performance.now() - started) / 1000).toFixed(0)} s`;
}

async function judgeNames(what, count, nameOf, expected) {
  const before = cpuSeconds([gateway.pid]).get(gateway.pid);
  const statuses = {};
  let next = 0;
  const client = async () => {
    while (next < count) {
      const status = await request(nameOf(next++), expected);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 200 }, client));
  const cost = cpuSeconds([gateway.pid]).get(gateway.pid) - before;
  say(
    `${count} ${what}: ${JSON.stringify(statuses)}, ${((cost / count) * 1e6).toFixed(0)} µs of CPU time each`,
  );
  if (!expected.includes('200') && cost / count > 0.001)
    fail(`They cost ${((cost / count) * 1e3).toFixed(1)} ms each.`);
  await judgeMemory(what);
}

/** @returns bytes of the heap after a garbage collection, and resident ones */
async function memory() {
  await wait(1000);
  const heap = await inspector.evaluate('gc(); gc(); process.memoryUsage().heapUsed');
  return [heap, residentBytes([gateway.pid])];
}

async function judgeMemory(what) {
  const [heap, resident] = await memory();
  say(`after ${what}: ${(heap / 1e6).toFixed(1)} MB of the heap, ${(resident / 1e6).toFixed(0)} MB resident`);
  // As many graphs are open as before; the console keeps some more requests.
  if (heap > held[0] + 20e6) fail(`The heap has ${((heap - held[0]) / 1e6).toFixed(1)} MB more than before.`);
}

function judge(p99) {
  if (p99 > 1.1 * without)
    fail(`p99 of the default graph is ${(p99 / without).toFixed(2)} times that without.`);
}

function fail(sentence) {
  say(sentence);
  process.exitCode = 1;
}

function say(...lines) {
  process.stdout.write(`${lines.join('\n  ')}\n`);
}
