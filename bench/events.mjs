/**
 * `node bench/events.mjs [--workloads fan-out,streams,identities] [options]`: what does it cost to open subscriptions of many
 * clients, and to send them events?
 *
 * All clients have the same operation, and compare each byte that they get. The next event is sent when all have the
 * one before it (`--window 1`). Prints, each with the bound that it is held to:
 *
 * - deliveries per second of CPU time: of all that the process does, from the subgraph's message to the system's sockets.
 *   *fan-out*: over WebSocket, beside `ws` alone, which sends the result with what stands before it for each subscription.
 *   *streams*: as server-sent events and by Apollo's multipart protocol, beside bare `node:http`, which writes the same bytes
 *   to each connection. *identities*: each client has an `authorization` of its own, which the subgraph gets, over
 *   WebSocket and as server-sent events, beside the build of another checkout (`--before DIR`), or no other.
 * - opening: milliseconds of CPU time per client, from its connection to its subscription, in a new process.
 * - memory: what the process is larger by, per client, once all have subscribed. Nothing is collected for it.
 *
 * Fails when a median is beyond its bound.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serveTicks, tick, ticksSupergraph } from './fixture/ticks.mjs';
import { inspectable } from './lib/inspector.mjs';
import { median } from './lib/median.mjs';
import { findNode } from './lib/nodes.mjs';
import { processTree, residentBytes, scheduledSeconds } from './lib/processes.mjs';
import { ownFolder } from './lib/own-bench.mjs';
import { startProfile } from './lib/profile.mjs';
import { startSystem } from './lib/running-system.mjs';
import { openSubscribers } from './lib/subscribers.mjs';
import { weirWith } from './systems.mjs';

const usage = `node bench/events.mjs [options]
  --workloads a,b    of fan-out, streams, identities (default: all)
  --systems a,b      weir, or weir@DIR for another checkout (default: weir)
  --before DIR       another checkout: what identities are compared with
  --connections N,M  default 500,2000; identities have the first of them
  --size BYTES       of the text in an event; default 250
  --window N         events on their way at once; default 1
  --rounds N         default 5
  --seconds N        of a measurement; default 3
  --node VERSION     of the systems; or the path of a binary (default: the Node of the bench)
  --profile          writes a CPU profile of each system in the last round to results/, and says what is in it`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    workloads: { type: 'string', default: 'fan-out,streams,identities' },
    systems: { type: 'string', default: 'weir' },
    before: { type: 'string' },
    connections: { type: 'string', default: '500,2000' },
    size: { type: 'string', default: '250' },
    window: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    node: { type: 'string', default: process.execPath },
    profile: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(`${usage}\n`);
  process.exit();
}
const [size, window, rounds, seconds] = [values.size, values.window, values.rounds, values.seconds].map(
  Number,
);
const counts = values.connections.split(',').map(Number);
const workloads = {
  'fan-out': { overs: ['websocket'], isOwn: false, counts },
  streams: { overs: ['sse', 'multipart'], isOwn: false, counts },
  identities: { overs: ['websocket', 'sse'], isOwn: true, counts: counts.slice(0, 1) },
};
/** Seconds for which events are sent before they are measured. */
const warmUp = 3;
const limitLabels = { websocket: '`ws`', sse: 'node:http', multipart: 'node:http' };
/** Deliveries as a multiple of those of the limit, or of the build before; milliseconds of CPU time; bytes. */
const bounds = {
  shared: { deliveries: 1, opening: 0.4, memory: 20_000 },
  own: { deliveries: 3, opening: 0.8, memory: 20_000 },
};
const results = fileURLToPath(new URL('results/', import.meta.url));

execFileSync('taskset', ['-acp', '1', String(process.pid)]);
const folder = ownFolder();
const { path: node } = findNode(values.node);
const weirs = values.systems.split(',').map((name) => {
  const [kind, directory] = name.split('@');
  if (kind !== 'weir') throw new Error(`--systems takes weir and weir@DIR, but got: ${name}`);
  return { ...weirWith('weir-events.yaml', directory), label: name, node };
});

for (const name of values.workloads.split(',')) {
  const workload = workloads[name];
  if (workload === undefined) throw new Error(`There is no workload "${name}".\n${usage}`);
  for (const over of workload.overs)
    for (const count of workload.counts) await compare(name, { ...workload, over, count });
}

/** All systems run at once, and are measured in turns of a second, so that each has its share of what the machine does. */
async function compare(name, { over, count, isOwn }) {
  const limit = isOwn ? before() : limitOf(over);
  const systems = limit === undefined ? weirs : [limit, ...weirs];
  const measured = systems.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    const isProfiled = values.profile && round === rounds - 1;
    const started = [];
    for (const system of systems) {
      const profile = `${name}-${over}-${count}-${system.label}`.replaceAll(/[^\w-]/g, '');
      started.push(await start(system, { over, count, isOwn, profile: isProfiled ? profile : undefined }));
    }
    for (const { learn } of started) await learn();
    // None may wait for 5 s: then heartbeats come between its events.
    for (let second = -warmUp; second < seconds; second += 1)
      for (const { beginProfile, drive } of started) {
        if (second === 0) await beginProfile();
        await drive(1000, second >= 0);
      }
    for (const [i, { end }] of started.entries()) measured[i].push(await end());
  }
  say(`${name} over ${over}: ${count} clients, events with ${size} bytes of text`);
  for (const [i, system] of systems.entries())
    report(system, measured[i], {
      of: system === limit ? undefined : limit && measured[0],
      bound: system === limit ? undefined : isOwn ? bounds.own : bounds.shared,
    });
}

function report({ label }, measured, { of, bound }) {
  const medianOf = (what) => median(measured.map((one) => one[what]));
  const ratios = measured.map(({ perSecond }, i) => perSecond / (of?.[i].perSecond ?? NaN));
  const ratio = of && median(ratios);
  const [opening, memory] = [medianOf('opening'), medianOf('memory')];
  const compared =
    of === undefined
      ? ''
      : `, ${ratio.toFixed(2)} times those beside it (${Math.min(...ratios).toFixed(2)} to ` +
        `${Math.max(...ratios).toFixed(2)}; ${ofBound(ratio, bound.deliveries)})`;
  say(
    `  ${label}: ${Math.round(medianOf('perSecond'))} deliveries per CPU second${compared}, last client after p50 ` +
      `${medianOf('p50').toFixed(1)} ms, p99 ${medianOf('p99').toFixed(1)} ms; opening ${opening.toFixed(2)} ms` +
      `${bound === undefined ? '' : ` (${ofBound(opening, bound.opening)})`}; ${(memory / 1000).toFixed(1)} KB a client` +
      `${bound === undefined ? '' : ` (${ofBound(memory, bound.memory)})`}`,
  );
  if (bound === undefined) return;
  if (ratio < bound.deliveries || opening > bound.opening || memory > bound.memory) process.exitCode = 1;
}

function ofBound(value, bound) {
  return `${(value / bound).toFixed(2)} of the bound`;
}

function limitOf(over) {
  const script = fileURLToPath(new URL('servers/limit-events.mjs', import.meta.url));
  return {
    ...{ label: limitLabels[over], node },
    command: ({ port, script: subgraph }) => [script, over, String(port), subgraph],
  };
}

function before() {
  if (values.before === undefined) return undefined;
  return { ...weirWith('weir-events.yaml', values.before), label: `weir@${values.before}`, node };
}

/** Starts a system with a subgraph of its own, and opens its clients. */
async function start(system, { over, count, isOwn, profile }) {
  const feed = await serveTicks();
  // One for each: Weir watches its own.
  const supergraph = join(folder, `${new URL(feed.url).port}.graphql`);
  writeFileSync(supergraph, ticksSupergraph(feed.url));
  const running = await startSystem(system, {
    ...{ supergraph, script: feed.url, operation: '{"query":"{ __typename }"}', cores: [0] },
    nodeFlags: profile === undefined ? [] : [inspectable],
  });
  const used = () => scheduledSeconds(processTree(running.pid));
  const resident = () => residentBytes(processTree(running.pid));
  const startProfiling = async (name) => {
    if (profile === undefined) return () => undefined;
    const end = await startProfile(running.said(), profileFile(name));
    return async () => say(`${name}:\n${await end()}`);
  };
  let deliveries = 0;
  let onDelivery = () => undefined;
  const endOpening = await startProfiling(`${profile}-opening`);
  const before = { used: used(), resident: resident() };
  const clients = await openSubscribers(running.port, {
    ...{ over, count, isOwn },
    onDelivery: () => {
      deliveries += 1;
      onDelivery();
    },
  });
  // None knows of itself whether it has subscribed.
  for (let last = -1, now = used(); now - last > 0.01; now = used()) {
    last = now;
    await wait(200);
  }
  const opening = ((used() - before.used) * 1000) / count;
  const memory = (resident() - before.resident) / count;
  await endOpening();
  let sent = 0;
  const send = () => {
    const result = tick((sent += 1), size);
    feed.send(result);
    return result;
  };
  const latencies = [];
  /** Sends events, each when all have the one before it; resolves when all have the last. */
  const drive = (milliseconds) =>
    new Promise((finish) => {
      const until = performance.now() + milliseconds;
      /** When the events were sent that not all have. */
      const sentAt = [];
      const sendNext = () => {
        clients.expect(tick(sent + 1, size));
        sentAt.push(performance.now());
        send();
      };
      let due = deliveries + count;
      onDelivery = () => {
        if (deliveries < due) return;
        due += count;
        latencies.push(performance.now() - sentAt.shift());
        if (performance.now() < until) setImmediate(sendNext);
        else if (sentAt.length === 0) finish();
      };
      for (let i = 0; i < window; i += 1) sendNext();
    });
  let endProfile;
  const measured = { deliveries: 0, used: 0 };
  return {
    async learn() {
      const last = [send(), send()];
      for (let attempt = 0; !last.every((each) => clients.have(each)); attempt += 1) {
        if (attempt === 100) throw new Error('Not all clients have the first two events.');
        await wait(100);
      }
      await wait(200);
      clients.learn(...last);
    },
    async beginProfile() {
      endProfile = await startProfiling(profile);
    },
    async drive(milliseconds, isMeasured) {
      const from = { deliveries, used: used() };
      await drive(milliseconds);
      if (!isMeasured) {
        latencies.length = 0;
        return;
      }
      measured.deliveries += deliveries - from.deliveries;
      measured.used += used() - from.used;
    },
    async end() {
      await endProfile();
      clients.close();
      await running.stop();
      feed.close();
      latencies.sort((one, other) => one - other);
      const at = (share) => latencies[Math.floor(latencies.length * share)];
      return { perSecond: measured.deliveries / measured.used, opening, memory, p50: at(0.5), p99: at(0.99) };
    },
  };
}

function profileFile(name) {
  mkdirSync(results, { recursive: true });
  return join(results, `${name}.cpuprofile`);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
