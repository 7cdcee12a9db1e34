/**
 * `node bench/start.mjs [--systems weir,weir@DIR] [--node 20,24] …`: how long does a start take, from the start of the process
 * to the last byte of its first answer, of a query over two subgraphs?
 *
 * Without a compile cache, and with one that the starts before have written: a folder of this run for each system. Variants
 * take turns. The subgraphs and this process stay on the second core.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { median } from './lib/median.mjs';
import { findNode } from './lib/nodes.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { cpuSeconds, processTree, residentBytes } from './lib/processes.mjs';
import { startSystem } from './lib/running-system.mjs';
import { findSystem, onNodes } from './systems.mjs';

const usage = `node bench/start.mjs [options]
  --systems a,b   default weir; weir@DIR is another checkout
  --node 20,24    each system on each of these versions, in turn (default: the Node of the bench)
  --caches a,b    of cold, warm: without a compile cache, and with one (default: both)
  --cores 0       of the gateway; 0,1 lets its threads run beside one another (default: 0)
  --rounds N      default 9`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    systems: { type: 'string', default: 'weir' },
    node: { type: 'string', default: process.execPath },
    caches: { type: 'string', default: 'cold,warm' },
    cores: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '9' },
  },
});
if (values.help) {
  process.stdout.write(`${usage}\n`);
  process.exit();
}
const nodes = values.node.split(',').map(findNode);
const systems = values.systems.split(',').flatMap((name) => onNodes(findSystem(name), nodes));
const variants = systems.flatMap((system) => values.caches.split(',').map((cache) => ({ system, cache })));
const operation = JSON.stringify({ query: '{ product(upc: "p21") { name inStock } }' });
/** Seconds after the first answer in which the process finishes what it does beside it, such as writing its cache. */
const settling = 1;

execFileSync('taskset', ['-apc', '1', String(process.pid)]);

await withHelpers(async ({ replay, folder, urls }) => {
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, supergraphSdl(urls));
  await replay.ask({ command: 'prepare' });
  const measured = new Map(variants.map((variant) => [variant, []]));
  // The first start of each writes its cache and makes the replay know the calls.
  for (let round = -1; round < Number(values.rounds); round += 1)
    for (const variant of variants) {
      const figures = await start(variant, folder, supergraph);
      if (round >= 0) measured.get(variant).push(figures);
    }
  for (const [{ system, cache }, figures] of measured) {
    const seconds = figures.map((each) => each.seconds);
    const told = [
      `${median(seconds).toFixed(3)} s (${Math.min(...seconds).toFixed(3)} to ${Math.max(...seconds).toFixed(3)})`,
      `${median(figures.map(({ cpu }) => cpu)).toFixed(2)} s of CPU time`,
      `${median(figures.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
    ];
    process.stdout.write(`${system.name}, ${cache} compile cache: ${told.join(', ')}\n`);
  }
});

/** @returns seconds to the first answer, seconds of CPU time and megabytes a little later */
async function start({ system, cache }, folder, supergraph) {
  const kept = join(folder, encodeURIComponent(`cache of ${system.name}`));
  mkdirSync(kept, { recursive: true, mode: 0o700 });
  const env = cache === 'cold' ? { NODE_DISABLE_COMPILE_CACHE: '1' } : { NODE_COMPILE_CACHE: kept };
  const running = await startSystem(system, { supergraph, operation, cores: values.cores.split(','), env });
  try {
    const { text } = await running.ask(operation);
    const { data } = JSON.parse(text);
    if (data?.product?.name === undefined || data.product.inStock === null)
      throw new Error(`A wrong answer: ${text}`);
    await sleep(settling * 1000);
    const processes = processTree(running.pid);
    const cpu = [...cpuSeconds(processes).values()].reduce((sum, each) => sum + each);
    return { seconds: running.startSeconds, cpu, megabytes: residentBytes(processes) / 1e6 };
  } finally {
    await running.stop();
  }
}
