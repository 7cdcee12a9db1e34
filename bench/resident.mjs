/**
 * `node bench/resident.mjs [--systems weir,weir@DIR] [--workloads page4,nested] …`: how much memory does a gateway keep?
 *
 * Each is started and loaded in turn, and then left alone. Printed is what is resident of the process with its threads, before
 * the load, at its end and a while later. Nobody asks for a garbage collection.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { median } from './lib/median.mjs';
import { findNode } from './lib/nodes.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { cpuSeconds, processTree, residentBytes } from './lib/processes.mjs';
import { startSystem } from './lib/running-system.mjs';
import { findSystem, onNodes } from './systems.mjs';

const usage = `node bench/resident.mjs [options]
  --systems a,b      default weir; weir@DIR is another checkout
  --workloads a,b    of ${Object.keys(workloads).join(', ')} (default: page4,nested)
  --node 20,24       each system on each of these versions (default: the Node of the bench)
  --rounds N         default 3
  --seconds SECONDS  of load; default 15
  --wait SECONDS     after the load; default 60`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    systems: { type: 'string', default: 'weir' },
    workloads: { type: 'string', default: 'page4,nested' },
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '15' },
    wait: { type: 'string', default: '60' },
  },
});
if (values.help) {
  process.stdout.write(`${usage}\n`);
  process.exit();
}
const nodes = values.node.split(',').map(findNode);
const systems = values.systems.split(',').flatMap((name) => onNodes(findSystem(name), nodes));

const resident = ({ pid }) => residentBytes(processTree(pid)) / 1e6;

execFileSync('taskset', ['-apc', '1', String(process.pid)]);

await withHelpers(async (bench) => {
  writeFileSync(join(bench.folder, 'supergraph.graphql'), supergraphSdl(bench.urls));
  for (const name of values.workloads.split(',')) {
    const rounds = [];
    for (let i = 0; i < Number(values.rounds); i += 1) rounds.push(await measure(workloads[name], bench));
    for (const [i, { name: system }] of systems.entries()) {
      const told = (figure) => median(rounds.map((round) => round[i][figure]));
      process.stdout.write(
        `${name}, ${system}: ${told('start').toFixed(0)} MB before the load, ${told('loaded').toFixed(0)} at its end, ` +
          `${told('idle').toFixed(0)} after ${values.wait} s; ${(told('cpu') * 1e6).toFixed(0)} µs of CPU time per request\n`,
      );
    }
  }
});

/** @returns of each system: megabytes, and seconds of CPU time per request */
async function measure(workload, { replay, clients, folder }) {
  const operation = JSON.stringify(workload.operation);
  await replay.ask({ command: 'prepare', stamp: workload.stamp, delays: workload.delays });
  const running = [];
  try {
    const figures = [];
    for (const system of systems) {
      const each = await startSystem(system, {
        supergraph: join(folder, 'supergraph.graphql'),
        operation,
        cores: [0],
      });
      running.push(each);
      const { text: expected } = await each.ask(operation);
      const start = resident(each);
      const { stamp, get, identities } = workload;
      const times = [];
      const { requests, wrong } = await clients.ask(
        {
          ...{ port: each.port, connections: 50, body: operation, expected, stamp, get, identities },
          ...{ seconds: Number(values.seconds), warmUp: 3 },
        },
        () => times.push([...cpuSeconds(processTree(each.pid)).values()].reduce((sum, one) => sum + one)),
      );
      if (Object.keys(wrong).length > 0) throw new Error(JSON.stringify(wrong));
      const end = performance.now() + Number(values.wait) * 1000;
      figures.push({ start, loaded: resident(each), cpu: (times[1] - times[0]) / requests, end });
    }
    const told = [];
    for (const [i, each] of running.entries()) {
      await sleep(Math.max(0, figures[i].end - performance.now()));
      told.push({ ...figures[i], idle: resident(each) });
    }
    return told;
  } finally {
    for (const each of running) await each.stop();
  }
}
