/**
 * `node bench/overload.mjs [--workload page] [--times 10] [--connections 500] [--seconds 10] [--rounds 5]`: what is left of
 * a gateway that is asked for ten times what it can do?
 *
 * Each round measures what one gateway can do with 50 connections (its capacity), then sends ten times as much over 500 of
 * them, each of which waits for its answer. The figure is the median of the ratios: speeds of a machine drift by more in a
 * minute than what is measured here. Then it sends half of the capacity. Of 2,000 connections some are refused, and ask
 * again at once. Needs two cores that nobody else uses.
 */
import { parseArgs } from 'node:util';
import { workloads } from './fixture/workloads.mjs';
import { atRate, withHelpers } from './lib/own-bench.mjs';
import { processTree, residentBytes } from './lib/processes.mjs';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { supergraphSdl } from './fixture/subgraphs.mjs';

const { values } = parseArgs({
  options: {
    workload: { type: 'string', default: 'page' },
    times: { type: 'string', default: '10' },
    connections: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
  },
});
const workload = workloads[values.workload];
const seconds = Number(values.seconds);

await withHelpers(async ({ clients, urls, folder, start }) => {
  const file = join(folder, 'supergraph.graphql');
  writeFileSync(file, supergraphSdl(urls));
  const running = await start(file, workload.operation, [0]);
  const { text: expected } = await running.ask(JSON.stringify(workload.operation));
  const load = (more) => clients.ask({ ...atRate(running, workload, expected), ...more });
  const memory = () => `${Math.round(residentBytes(processTree(running.pid)) / 1e6)} MB`;

  await load({ connections: 50, rate: undefined, warmUp: 8, seconds: 1 });
  const ratios = [];
  let capacity = 0;
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const usual = await load({ connections: 50, rate: undefined, warmUp: 1, seconds });
    capacity = usual.perSecond;
    say(
      `capacity: ${capacity.toFixed(0)}/s, p99 ${usual.p99.toFixed(0)} ms, ${memory()}, ${told(usual.wrong)}`,
    );
    ratios.push((await overload(capacity)) / capacity);
  }
  const median = ratios.sort((a, b) => a - b)[ratios.length >> 1];
  say(
    `goodput ${median.toFixed(2)} of capacity (${ratios[0].toFixed(2)}–${ratios.at(-1).toFixed(2)} in ${ratios.length} rounds)`,
  );

  async function overload(capacity) {
    const rate = capacity * Number(values.times);
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, residentBytes(processTree(running.pid)))), 500);
    const over = await load({ connections: Number(values.connections), rate, warmUp: 1, seconds });
    clearInterval(watching);
    const wrong = Object.values(over.wrong).reduce((sum, count) => sum + count, 0);
    const goodput = (over.requests - wrong) / over.seconds;
    say(
      `overload: ${(over.requests / over.seconds).toFixed(0)}/s answered, goodput ${goodput.toFixed(0)}/s ` +
        `(p50 ${over.rightP50?.toFixed(0)} ms, p99 ${over.rightP99?.toFixed(0)} ms), refused p50 ${over.wrongP50?.toFixed(0)} ms, ` +
        `p99 ${over.wrongP99?.toFixed(0)} ms (the clients are late themselves: p50 ${over.lateP50.toFixed(0)} ms, ` +
        `p99 ${over.lateP99.toFixed(0)} ms), ` +
        `at most ${Math.round(most / 1e6)} MB, ${told(over.wrong)}`,
    );
    return goodput;
  }

  const after = await load({ connections: 50, rate: capacity / 2, warmUp: 2, seconds: 5 });
  say(
    `two seconds later: ${after.perSecond.toFixed(0)}/s of ${(capacity / 2).toFixed(0)}/s, p99 ${after.p99.toFixed(0)} ms, ${told(after.wrong)}`,
  );
  await running.stop();
});

function told(wrong) {
  const all = Object.entries(wrong).map(([what, count]) => `${count} × ${what}`);
  return all.length === 0 ? 'all right' : all.join(', ');
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
