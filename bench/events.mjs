/**
 * `node bench/events.mjs [--workloads fan-out,streams] [options]`: what does it cost to send the events of one subscription
 * to many clients?
 *
 * All clients have the same subscription, and compare each byte that they get. The next event is sent when all have the
 * one before it (`--window 1`). Tells how many deliveries a second of CPU time is enough for: of all that the process does,
 * from the subgraph's message to the system's sockets. *fan-out*: over WebSocket, beside `ws` alone, which sends the result
 * with what stands before it for each subscription. *streams*: as server-sent events and by Apollo's multipart protocol,
 * beside bare `node:http`, which writes the same bytes to each connection. Fails when a median is less than 0.7 of its limit.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serveTicks, tick, ticksSupergraph } from './fixture/ticks.mjs';
import { inspectable } from './lib/inspector.mjs';
import { findNode } from './lib/nodes.mjs';
import { cpuSeconds, processTree } from './lib/processes.mjs';
import { ownFolder } from './lib/own-bench.mjs';
import { startProfile } from './lib/profile.mjs';
import { startSystem } from './lib/running-system.mjs';
import { openSubscribers } from './lib/subscribers.mjs';
import { weirWith } from './systems.mjs';

const usage = `node bench/events.mjs [options]
  --workloads a,b    of fan-out, streams (default: both)
  --systems a,b      weir, or weir@DIR for another checkout (default: weir)
  --connections N    default 1000
  --size BYTES       of the text in an event; default 250
  --window N         events on their way at once; default 1
  --rounds N         default 5
  --seconds N        of a measurement; default 3
  --node VERSION     of the systems; or the path of a binary (default: the Node of the bench)
  --profile          writes a CPU profile of each system in the last round to results/, and says what is in it`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    workloads: { type: 'string', default: 'fan-out,streams' },
    systems: { type: 'string', default: 'weir' },
    connections: { type: 'string', default: '1000' },
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
const [connections, size, window, rounds, seconds] = [
  ...[values.connections, values.size, values.window, values.rounds, values.seconds],
].map(Number);
const workloads = { 'fan-out': ['websocket'], streams: ['sse', 'multipart'] };
const limitLabels = { websocket: '`ws`', sse: 'node:http', multipart: 'node:http' };
const results = fileURLToPath(new URL('results/', import.meta.url));

execFileSync('taskset', ['-acp', '1', String(process.pid)]);
const folder = ownFolder();
const feed = await serveTicks();
const supergraph = join(folder, 'supergraph.graphql');
writeFileSync(supergraph, ticksSupergraph(feed.url));
const { path: node } = findNode(values.node);
const weirs = values.systems.split(',').map((name) => {
  const [kind, directory] = name.split('@');
  if (kind !== 'weir') throw new Error(`--systems takes weir and weir@DIR, but got: ${name}`);
  return { ...weirWith('weir-events.yaml', directory), label: name, node };
});

for (const workload of values.workloads.split(',')) {
  if (workloads[workload] === undefined) throw new Error(`There is no workload "${workload}".\n${usage}`);
  for (const over of workloads[workload]) await compare(workload, over);
}
feed.close();

async function compare(workload, over) {
  const limit = {
    label: limitLabels[over],
    command: ({ port }) => [
      fileURLToPath(new URL('servers/limit-events.mjs', import.meta.url)),
      ...[over, String(port), feed.url],
    ],
    node,
  };
  const systems = [limit, ...weirs].map((system) => ({ system, measured: [] }));
  for (let round = 0; round < rounds; round += 1)
    for (const { system, measured } of systems) {
      const name = values.profile && round === rounds - 1 ? `${workload}-${over}-${system.label}` : undefined;
      measured.push(await measure(system, over, name?.replaceAll(/[^\w-]/g, '')));
    }
  say(`${workload} over ${over}: ${connections} connections, events with ${size} bytes of text`);
  const ofLimit = systems[0].measured;
  for (const { system, measured } of systems) {
    const ratios = measured.map(({ perSecond }, i) => perSecond / ofLimit[i].perSecond);
    const ratio = median(ratios);
    const [rate, p50, p99] = ['perSecond', 'p50', 'p99'].map((what) =>
      median(measured.map((one) => one[what])),
    );
    say(
      `  ${system.label.padEnd(12)} ${ratio.toFixed(2)} of the limit (${Math.min(...ratios).toFixed(2)} to ` +
        `${Math.max(...ratios).toFixed(2)}), ${Math.round(rate)} deliveries per CPU second, ` +
        `event to last client p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    );
    if (ratio < 0.7) process.exitCode = 1;
  }
}

async function measure(system, over, profile) {
  const nodeFlags = profile === undefined ? [] : [inspectable];
  const running = await startSystem(system, {
    ...{ supergraph, operation: '{"query":"{ __typename }"}', cores: [0], nodeFlags },
  });
  let deliveries = 0;
  let onDelivery = () => undefined;
  const clients = await openSubscribers(running.port, {
    ...{ over, count: connections },
    onDelivery: () => {
      deliveries += 1;
      onDelivery();
    },
  });
  let sent = 0;
  const send = () => {
    const result = tick((sent += 1), size);
    feed.send(result);
    return result;
  };
  // Some may not have subscribed yet when the first events come.
  let last = [];
  for (let i = 0; i < 10; i += 1) {
    last = [last.at(-1), send()];
    await wait(100);
  }
  await wait(500);
  clients.learn(...last);

  /** When the events were sent that not all have. */
  const sentAt = [];
  const latencies = [];
  let isOver = false;
  const sendNext = () => {
    clients.expect(tick(sent + 1, size));
    sentAt.push(performance.now());
    send();
  };
  let due = connections;
  const finished = new Promise((finish) => {
    onDelivery = () => {
      if (deliveries < due) return;
      due += connections;
      latencies.push(performance.now() - sentAt.shift());
      if (!isOver) setImmediate(sendNext);
      else if (sentAt.length === 0) finish();
    };
  });
  for (let i = 0; i < window; i += 1) sendNext();
  await wait(1000);
  const end = profile === undefined ? undefined : await startProfile(running.said(), profileFile(profile));
  const used = () => [...cpuSeconds(processTree(running.pid)).values()].reduce((sum, one) => sum + one, 0);
  latencies.length = 0;
  const before = { deliveries, used: used() };
  await wait(seconds * 1000);
  const perSecond = (deliveries - before.deliveries) / (used() - before.used);
  if (end !== undefined) say(`${profile}:\n${await end()}`);
  isOver = true;
  await finished;
  clients.close();
  await running.stop();
  latencies.sort((one, other) => one - other);
  const at = (share) => latencies[Math.floor(latencies.length * share)];
  return { perSecond, p50: at(0.5), p99: at(0.99) };
}

function profileFile(name) {
  mkdirSync(results, { recursive: true });
  return join(results, `${name}.cpuprofile`);
}

function median(list) {
  return list.toSorted((one, other) => one - other)[Math.floor(list.length / 2)];
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
