/**
 * `node bench/tails.mjs [--workloads page4,tiny] [--weir DIR] [--node 24] …`: what did the event loop do while the slowest
 * 1 % of the requests were under way?
 *
 * V8's sampler says what the main thread was in, and Node which garbage collections it ran. Of each part of a request (see
 * `lib/parts.mjs`) the share of the time is printed while slow requests were under way, beside its share of all the time:
 * what has more of the first delays requests. A closed loop, so requests also wait for one another.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { inspect, inspectable } from './lib/inspector.mjs';
import { findNode } from './lib/nodes.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { partOf } from './lib/parts.mjs';
import { recordProfile, sourceNames, timesBy } from './lib/profile.mjs';
import { startSystem } from './lib/running-system.mjs';
import { findSystem } from './systems.mjs';

const { values } = parseArgs({
  options: {
    workloads: { type: 'string', default: 'page4,tiny' },
    weir: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    'warm-up': { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
  },
});
const slowest = 0.01;
const node = findNode(values.node);

await withHelpers(async ({ replay, clients, urls, folder }) => {
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, supergraphSdl(urls));
  for (const name of values.workloads.split(',')) {
    const workload = workloads[name];
    if (workload === undefined) throw new Error(`There is no workload "${name}".`);
    await replay.ask({ command: 'prepare', stamp: workload.stamp, delays: workload.delays });
    const system = findSystem(values.weir === undefined ? 'weir' : `weir@${values.weir}`);
    const body = JSON.stringify(workload.operation);
    const running = await startSystem(
      { ...system, node: node.path },
      { supergraph, operation: body, cores: [0], nodeFlags: [inspectable, '--detailed-line-info'] },
    );
    const { text: expected } = await running.ask(body);
    const { stamp, get, identities } = workload;
    const load = (options) =>
      clients.ask({
        ...{ port: running.port, connections: 50, body, expected, stamp, get, identities },
        ...options,
      });
    await load({ warmUp: Number(values['warm-up']), seconds: 0.1 });
    const inspector = await inspect(running.said());
    await inspector.evaluate(`
      const { performance, PerformanceObserver } = process.getBuiltinModule('perf_hooks');
      globalThis.collections = [];
      const origin = Number(process.hrtime.bigint()) / 1e3 - performance.now() * 1e3;
      new PerformanceObserver((list) => {
        for (const { detail, startTime, duration } of list.getEntries())
          collections.push([detail.kind, origin + startTime * 1e3, origin + (startTime + duration) * 1e3]);
      }).observe({ entryTypes: ['gc'] });`);
    const end = await recordProfile(running.said());
    const result = await load({ warmUp: 0, seconds: Number(values.seconds), slowest });
    const profile = await end();
    const collections = JSON.parse(await inspector.evaluate('JSON.stringify(collections)'));
    inspector.close();
    await running.stop();
    print(name, { ...result, profile, collections });
  }
});

function print(name, { p50, p99, max, slowest: spans, profile, collections }) {
  const windows = joined(spans);
  const nameOf = sourceNames(values.weir);
  const partOfFrame = (frame) => (frame.functionName === '(idle)' ? 'idle' : partOf(nameOf(frame)));
  const within = timesBy(onlyWithin(profile, windows), partOfFrame);
  const always = timesBy(profile, partOfFrame);
  say(
    `\n${name}, Node ${node.version}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)}, longest ${max.toFixed(1)}; ` +
      `the slowest ${spans.length} requests fall into ${windows.length} times, ` +
      `${(lengthOf(windows) / windows.length / 1e3).toFixed(1)} ms each`,
  );
  for (const [kind, about] of [
    [1, 'minor collections'],
    [4, 'full collections'],
    [8, 'steps of incremental marking'],
  ]) {
    const all = collections.filter((collection) => collection[0] === kind);
    const inside = all.filter(([, from, to]) => windows.some(([begin, end]) => from < end && to > begin));
    const longest = Math.max(0, ...all.map(([, from, to]) => to - from));
    say(
      `  ${about}: ${all.length}, ${(lengthOf(all.map(([, ...span]) => span)) / 1e3).toFixed(1)} ms in all, longest ` +
        `${(longest / 1e3).toFixed(1)} ms; ${inside.length} of them in these times`,
    );
  }
  const sum = (times) => [...times.values()].reduce((total, time) => total + time, 0);
  const rows = [...always.keys()].map((part) => [
    part,
    (within.get(part) ?? 0) / sum(within),
    always.get(part) / sum(always),
  ]);
  say(`  ${'part'.padEnd(17)}${'slow'.padStart(9)}${'always'.padStart(9)}`);
  for (const [part, slow, usual] of rows.sort(([, a, b], [, c, d]) => c - d - (a - b)))
    say(`  ${part.padEnd(17)}${percent(slow)}${percent(usual)}`);
}

/** Times that overlap as one. They are in the order of their beginnings. */
function joined(spans) {
  const windows = [];
  for (const [from, to] of spans) {
    const last = windows.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else windows.push([from, to]);
  }
  return windows;
}

/** The samples of a profile that were taken within these times. */
function onlyWithin({ nodes, samples, timeDeltas, startTime }, windows) {
  const kept = { nodes, samples: [], timeDeltas: [] };
  let at = startTime;
  let next = 0;
  samples.forEach((sample, i) => {
    at += timeDeltas[i];
    while (next < windows.length && windows[next][1] < at) next += 1;
    if (next === windows.length || at < windows[next][0]) return;
    kept.samples.push(sample);
    kept.timeDeltas.push(timeDeltas[i]);
  });
  return kept;
}

function lengthOf(spans) {
  return spans.reduce((sum, [from, to]) => sum + to - from, 0);
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`.padStart(9);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
