/**
 * `node bench/memory.mjs [--minutes 30] [--swap-every 10]`: is memory flat?
 *
 * Mixed load at a fixed rate, some of whose clients leave before they have their answer, while a new supergraph comes
 * every few seconds. After each minute the load pauses, and the heap is measured after a garbage collection. Fails when
 * the last minutes' heap is more than 10 % over that of minute 5, or when any answer was wrong.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { inspect } from './lib/inspector.mjs';
import { atRate, withHelpers } from './lib/own-bench.mjs';
import { processTree, residentBytes } from './lib/processes.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, 'swap-every': { type: 'string', default: '10' } },
});
const minutes = Number(values.minutes);
/** Requests per second: low, so that a busy machine keeps up. */
const rates = { page: 20, nested: 2, tiny: 20, cold: 5 };
const baselineMinute = Math.min(5, minutes);

await withHelpers(async ({ replay, clients, urls, folder, start }) => {
  await replay.ask({ command: 'prepare', stamp: workloads.cold.stamp });
  const file = join(folder, 'supergraph.graphql');
  let generation = 0;
  const writeSupergraph = () => {
    generation += 1;
    const sdl = supergraphSdl(urls).replace(/^type Category/m, `"Generation ${generation}."\ntype Category`);
    // Not half a file, ever.
    writeFileSync(`${file}.new`, sdl);
    renameSync(`${file}.new`, file);
  };
  writeSupergraph();
  const running = await start(file, workloads.page.operation, [0, 1]);
  const inspector = await inspect(running.said());
  const expected = {};
  for (const name of Object.keys(rates)) {
    const { status, text } = await running.ask(JSON.stringify(workloads[name].operation));
    if (status !== 200) throw new Error(`${name} was answered ${status}: ${text.slice(0, 500)}`);
    expected[name] = text;
  }
  const swapEvery = Number(values['swap-every']) * 1000;

  const heaps = [];
  let problems = 0;
  for (let minute = 1; minute <= minutes; minute += 1) {
    const leaving = setInterval(() => leave(running, workloads.nested.operation), 500);
    const swapping = setInterval(writeSupergraph, swapEvery);
    // While a supergraph is swapped there are two of them in the heap, which would be luck to meet or not.
    setTimeout(() => clearInterval(swapping), 52_000);
    const results = await Promise.all(
      Object.entries(rates).map(([name, rate]) =>
        clients.ask(atRate(running, workloads[name], expected[name], rate, 57)),
      ),
    );
    clearInterval(leaving);
    const wrong = results.flatMap(({ wrong }) => Object.entries(wrong));
    problems += wrong.length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    heaps.push(await heapAfterCollection(inspector));
    const resident = residentBytes(processTree(running.pid));
    const requests = results.reduce((sum, result) => sum + result.requests, 0);
    say(
      `minute ${minute}: heap ${megabytes(heaps.at(-1))}, resident ${megabytes(resident)}, ${requests} requests, ` +
        `${generation} supergraphs${wrong.map(([what, count]) => `, ${count} × ${what}`).join('')}`,
    );
  }
  inspector.close();
  const baseline = heaps[baselineMinute - 1];
  const growth = Math.max(...heaps.slice(-3)) / baseline - 1;
  say(`the heap of the last minutes is ${(growth * 100).toFixed(1)} % over that of minute ${baselineMinute}`);
  if (growth > 0.1 || problems > 0) process.exitCode = 1;
  await running.stop();
});

/** A client that is gone before it has its answer. */
function leave({ port }, operation) {
  const body = JSON.stringify(operation);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${Math.random()}` };
  const signal = AbortSignal.timeout(3);
  request(`http://127.0.0.1:${port}/graphql`, { method: 'POST', headers, body, signal })
    .then((response) => response.body.dump())
    .catch(() => undefined);
}

async function heapAfterCollection({ send }) {
  await send('HeapProfiler.collectGarbage');
  await send('HeapProfiler.collectGarbage');
  return (await send('Runtime.getHeapUsage')).usedSize;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
