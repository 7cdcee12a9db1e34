/**
 * `node bench/pairs.mjs --systems weir,weir@DIR [--workloads page,tiny] …`: is the first slower than the second?
 *
 * Both run at the same time on one core, and the clients load them in turns of a second, so that whatever else the machine
 * does meanwhile hits both alike. CPU time is what the kernel counts for each. A pair is two new processes; the interval
 * is over pairs, since two processes of the same build differ, too.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { median } from './lib/median.mjs';
import { findNode } from './lib/nodes.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { cpuSeconds, processTree, residentBytes } from './lib/processes.mjs';
import { startSystem } from './lib/running-system.mjs';
import { findSystem } from './systems.mjs';

const usage = `node bench/pairs.mjs --systems FIRST,SECOND [options]
  --systems a,b      two of weir, weir-cached, weir-private, weir-shadow, each with @DIR for another checkout
  --workloads a,b    of ${Object.keys(workloads).join(', ')} (default: page,page4,tiny)
  --node 20,24       their Nodes: versions, or paths of binaries (default: the Node of the bench)
  --rate N           requests in a second over 10 connections (default: as many as 50 get answered)
  --pairs N          default 10
  --turns N          of each process in a pair; default 8
  --warm-up SECONDS  of each process; default 4
  --seconds SECONDS  of a turn; default 1
  --json             prints JSON`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    systems: { type: 'string', default: '' },
    workloads: { type: 'string', default: 'page,page4,tiny' },
    node: { type: 'string', default: process.execPath },
    rate: { type: 'string' },
    pairs: { type: 'string', default: '10' },
    turns: { type: 'string', default: '8' },
    'warm-up': { type: 'string', default: '4' },
    seconds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const names = values.systems.split(',');
if (values.help || names.length !== 2) {
  process.stdout.write(`${usage}\n`);
  process.exit(values.help ? 0 : 1);
}
const nodes = values.node.split(',').map(findNode);
const systems = names.map((name, i) => ({ ...findSystem(name), node: (nodes[i] ?? nodes[0]).path }));
const asked = values.workloads.split(',').map((name) => {
  if (workloads[name] === undefined) throw new Error(`There is no workload "${name}".\n${usage}`);
  return { name, ...workloads[name] };
});

await withHelpers(async (bench) => {
  writeFileSync(join(bench.folder, 'supergraph.graphql'), supergraphSdl(bench.urls));
  const results = [];
  for (const workload of asked) {
    const pairs = [];
    for (let i = 0; i < Number(values.pairs); i += 1) {
      pairs.push(await measurePair(workload, bench, i));
      process.stderr.write(
        `${workload.name} ${i + 1}: ${pairs[i].map(({ cpu }) => cpu.toFixed(1)).join(' : ')} µs\n`,
      );
    }
    results.push({ workload: workload.name, pairs });
    if (!values.json) print(workload.name, pairs);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ systems: names, results }, undefined, 2)}\n`);
});

/** @returns of each of the two systems: microseconds of CPU time per request, p99 in milliseconds, megabytes */
async function measurePair(workload, { replay, clients, folder }, number) {
  await replay.ask({ command: 'prepare', stamp: workload.stamp, delays: workload.delays });
  const { stamp, get, identities } = workload;
  const operation = JSON.stringify(workload.operation);
  const start = (system, cores, env) =>
    startSystem(system, { supergraph: join(folder, 'supergraph.graphql'), operation, cores, env });
  const running = [];
  let shadow;
  try {
    // Beside the clients.
    if (systems.some((system) => system.name.startsWith('weir-shadow')))
      shadow = await start(findSystem('weir'), [1]);
    const env = shadow && { WEIR_BENCH_SHADOW: `127.0.0.1:${shadow.port}` };
    for (const system of systems) running.push(await start(system, [0], env));
    const { text: expected } = await running[0].ask(operation);
    const load = async (of, seconds, warmUp = 0) => {
      const times = [];
      const message = {
        ...{ port: of.port, body: operation, expected, stamp, get, identities },
        ...(values.rate === undefined ? { connections: 50 } : { connections: 10, rate: Number(values.rate) }),
      };
      const result = await clients.ask({ ...message, seconds, warmUp }, () =>
        times.push(sum(cpuSeconds(processTree(of.pid)).values())),
      );
      if (Object.keys(result.wrong).length > 0)
        throw new Error(`${workload.name}: ${JSON.stringify(result.wrong)}`);
      return { requests: result.requests, p99: result.p99, cpu: times[1] - times[0] };
    };
    for (const each of running) await load(each, 0.1, Number(values['warm-up']));
    const turns = running.map(() => []);
    for (let turn = 0; turn < Number(values.turns); turn += 1) {
      // Whoever is first in a turn is second in the next one.
      const order = (turn + number) % 2 === 0 ? [0, 1] : [1, 0];
      // The end of a load falls into the first milliseconds of the next.
      for (const i of order) turns[i].push(await load(running[i], Number(values.seconds), 0.1));
    }
    return running.map(({ pid }, i) => ({
      cpu: (sum(turns[i].map(({ cpu }) => cpu)) / sum(turns[i].map(({ requests }) => requests))) * 1e6,
      p99: median(turns[i].map(({ p99 }) => p99)),
      megabytes: residentBytes(processTree(pid)) / 1e6,
    }));
  } finally {
    for (const each of [...running, ...(shadow ? [shadow] : [])]) await each.stop();
  }
}

function print(workload, pairs) {
  process.stdout.write(`\n${workload}: ${names[0]} ÷ ${names[1]}, ${pairs.length} pairs\n`);
  for (const [figure, unit] of Object.entries({ cpu: 'µs of CPU time', p99: 'ms', megabytes: 'MB' })) {
    const { mean, from, to } = interval(pairs.map(([first, second]) => first[figure] / second[figure]));
    const medians = [0, 1].map((i) => median(pairs.map((pair) => pair[i][figure])).toFixed(1));
    process.stdout.write(
      `  ${figure.padEnd(10)}${mean.toFixed(3)}  95 % ${from.toFixed(3)}–${to.toFixed(3)}   ${medians.join(' : ')} ${unit}\n`,
    );
  }
}

/** Of a geometric mean, as these are ratios; by Student's t. */
function interval(ratios) {
  const logs = ratios.map(Math.log);
  const mean = sum(logs) / logs.length;
  const deviation = Math.sqrt(sum(logs.map((log) => (log - mean) ** 2)) / (logs.length - 1));
  const half = (studentT(logs.length - 1) * deviation) / Math.sqrt(logs.length);
  return { mean: Math.exp(mean), from: Math.exp(mean - half), to: Math.exp(mean + half) };
}

/** The quantile of 97.5 % (Cornish and Fisher's expansion; within 0.01 from 4 degrees of freedom on). */
function studentT(degrees) {
  const z = 1.959964;
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
}

function sum(numbers) {
  return [...numbers].reduce((total, number) => total + number, 0);
}
