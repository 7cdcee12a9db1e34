/**
 * `node bench/where.mjs [--workloads page4,tiny] [--weir DIR] [--node 24] …`: where does a request's CPU time go?
 *
 * V8's sampler says which functions the main thread is in, under the closed loop of a workload; `lib/parts.mjs` says to
 * which part of a request each belongs. The shares are of the CPU time that the kernel counts for that thread meanwhile,
 * so the parts add up to it. What the other threads do, which collect garbage and compile, stands apart.
 *
 * It finds what to work on, and whether it became less. Times differ by a tenth from run to run: compare two checkouts by
 * runs in turn, and their sum by `bench.mjs`, which measures without a sampler.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { inspectable } from './lib/inspector.mjs';
import { findNode } from './lib/nodes.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { isOfCalls, partOf, parts } from './lib/parts.mjs';
import { cpuSeconds, processTree, threadCpuSeconds } from './lib/processes.mjs';
import { recordProfile, sourceNames, timesBy } from './lib/profile.mjs';
import { startSystem } from './lib/running-system.mjs';
import { findSystem, weirWith } from './systems.mjs';

const usage = `node bench/where.mjs [options]
  --workloads a,b    of ${Object.keys(workloads).join(', ')} (default: page4,tiny)
  --weir DIR         another checkout
  --node 24          its Node: a version, or the path of a binary (default: the Node of the bench)
  --log              with the access log, which the bench leaves off
  --functions N      names the N dearest functions of each part
  --rounds N         default 3, each with a process of its own; the median is told
  --warm-up SECONDS  default 5
  --seconds SECONDS  default 8
  --json             prints JSON`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    workloads: { type: 'string', default: 'page4,tiny' },
    weir: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    log: { type: 'boolean', default: false },
    functions: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
});
if (values.help) {
  say(usage);
  process.exit();
}
const node = findNode(values.node);
const asked = values.workloads.split(',').map((name) => {
  if (workloads[name] === undefined) throw new Error(`There is no workload "${name}".\n${usage}`);
  return { name, ...workloads[name] };
});

await withHelpers(async (bench) => {
  writeFileSync(join(bench.folder, 'supergraph.graphql'), supergraphSdl(bench.urls));
  const rounds = [];
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const workload of asked) rounds.push({ workload, ...(await measure(workload, bench)) });
  const results = asked.map((workload) => summarise(rounds.filter((each) => each.workload === workload)));
  if (values.json) say(JSON.stringify({ node: node.version, results }, undefined, 2));
  else for (const result of results) print(result);
});

/** @returns one round: microseconds per request of each part, of the other threads, and of the functions */
async function measure(workload, { replay, clients, folder }) {
  await replay.ask({ command: 'prepare', stamp: workload.stamp, delays: workload.delays });
  const system = values.log
    ? weirWith('weir-logging.yaml', values.weir)
    : findSystem(values.weir === undefined ? 'weir' : `weir@${values.weir}`);
  const body = JSON.stringify(workload.operation);
  const running = await startSystem(
    { ...system, node: node.path },
    {
      supergraph: join(folder, 'supergraph.graphql'),
      operation: body,
      cores: [0],
      // What was compiled before the sampler started could not be told apart where functions are compiled as one.
      nodeFlags: [inspectable, '--detailed-line-info'],
    },
  );
  try {
    const { text } = await running.ask(body);
    const { stamp, get, identities } = workload;
    const times = [];
    const load = (options) =>
      clients.ask(
        {
          ...{ port: running.port, connections: 50, body, expected: text, stamp, get, identities },
          ...options,
        },
        () =>
          times.push({
            main: threadCpuSeconds(running.pid),
            all: sum(cpuSeconds(processTree(running.pid)).values()),
          }),
      );
    await load({ warmUp: Number(values['warm-up']), seconds: 0.1 });
    const before = await replay.ask({ command: 'count' });
    const end = await recordProfile(running.said());
    times.length = 0;
    const { requests, requestsInAll, wrong } = await load({ warmUp: 0, seconds: Number(values.seconds) });
    const profile = await end();
    const after = await replay.ask({ command: 'count' });
    if (Object.keys(wrong).length > 0) throw new Error(`${workload.name}: ${JSON.stringify(wrong)}`);
    const [from, to] = times;
    const main = ((to.main - from.main) / requests) * 1e6;
    const all = ((to.all - from.all) / requests) * 1e6;
    const nameOf = sourceNames(values.weir);
    const perRequest = (named) => {
      named.delete('(idle)');
      const total = sum(named.values());
      return new Map([...named].map(([name, time]) => [name, (time / total) * main]));
    };
    return {
      main,
      others: all - main,
      calls: (after.calls - before.calls) / requestsInAll,
      parts: perRequest(timesBy(profile, (frame) => (isIdle(frame) ? '(idle)' : partOf(nameOf(frame))))),
      functions: perRequest(
        timesBy(profile, (frame) => {
          const name = nameOf(frame);
          const part = partOf(name);
          return isIdle(frame) ? '(idle)' : part && `${part}\n${name}`;
        }),
      ),
    };
  } finally {
    await running.stop();
  }
}

function isIdle({ functionName }) {
  return functionName === '(idle)';
}

/** Medians of the rounds of one workload. */
function summarise(rounds) {
  const { name } = rounds[0].workload;
  const all = (read) => rounds.map((round) => read(round) ?? 0).sort((a, b) => a - b);
  const median = (read) => all(read)[rounds.length >> 1];
  const calls = median((round) => round.calls);
  const names = new Set(rounds.flatMap((round) => [...round.functions.keys()]));
  const functions = [...names].map((key) => {
    const [part, functionName] = key.split('\n');
    return { part, name: functionName ?? '', micros: median((round) => round.functions.get(key)) };
  });
  const row = (part, read) => ({
    part,
    micros: median(read),
    least: all(read)[0],
    most: all(read).at(-1),
    perCall: isOfCalls(part) ? median(read) / calls : undefined,
    functions: functions
      .filter((one) => one.part === part)
      .sort((a, b) => b.micros - a.micros)
      .slice(0, Number(values.functions)),
  });
  return {
    workload: name,
    calls,
    total: median((round) => round.main + round.others),
    parts: [
      ...[...Object.keys(parts), 'other'].map((part) => row(part, (round) => round.parts.get(part))),
      row('other threads', (round) => round.others),
    ],
  };
}

function print({ workload, calls, total, parts: rows }) {
  const shareOf = (micros) => `${((micros / total) * 100).toFixed(1)} %`;
  say(
    `\n${workload}, Node ${node.version}: ${total.toFixed(0)} µs of CPU time per request, ${calls.toFixed(2)} calls`,
  );
  say(
    `${'µs'.padStart(24)}${'share'.padStart(9)}  ${'in the rounds'.padStart(15)}${'per call'.padStart(10)}`,
  );
  for (const { part, micros, least, most, perCall, functions } of rows) {
    const range = `${least.toFixed(1)}–${most.toFixed(1)}`;
    say(
      part.padEnd(17) +
        micros.toFixed(1).padStart(7) +
        shareOf(micros).padStart(9) +
        range.padStart(17) +
        (perCall?.toFixed(1) ?? '').padStart(10),
    );
    for (const one of functions) say(`${one.micros.toFixed(1).padStart(24)}  ${one.name}`);
  }
}

function sum(numbers) {
  return [...numbers].reduce((total, number) => total + number, 0);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
