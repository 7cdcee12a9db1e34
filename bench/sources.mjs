/**
 * `node bench/sources.mjs [--rounds 5] [--seconds 5]`: what does it cost that APIs are no federation subgraphs?
 *
 * Two gateways, one in front of two plain GraphQL APIs and a REST API, the other in front of federation subgraphs with the
 * same data, which is the limit. Clients ask both for 20 reviews with author, the author's best friend, and pet, in turns.
 * Fails when the first answers less than 0.6 times as many requests in a second as the limit, by the median of the rounds.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { operation, subgraphNames, supergraphFile, truth } from './fixture/sources.mjs';
import { startHelper } from './lib/helper.mjs';
import { median } from './lib/median.mjs';
import { ownFolder } from './lib/own-bench.mjs';
import { cpuSeconds, processTree } from './lib/processes.mjs';
import { killAll, startSystem } from './lib/running-system.mjs';
import { findSystem } from './systems.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '5' } },
});
const graphs = ['sources', 'federated'];
const body = JSON.stringify(operation);
const folder = ownFolder();
const replay = startHelper('replay.mjs', 1);
const clients = startHelper('load.mjs', 1);
try {
  const { ports } = await replay.ask({ command: 'listen', of: 'sources' });
  const records = { sources: [], federated: [] };
  for (const graph of graphs) compose(graph, ports);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    // Whoever is first in a round is second in the next one.
    for (const graph of round % 2 === 0 ? graphs : graphs.toReversed())
      records[graph].push(await measure(graph));
  }
  for (const graph of graphs) print(graph, records[graph]);
  const ratio = median(records.sources.map(({ perSecond }, i) => perSecond / records.federated[i].perSecond));
  process.stdout.write(`sources: ${ratio.toFixed(2)} × the requests/s of the limit\n`);
  if (ratio < 0.6) process.exitCode = 1;
} finally {
  killAll();
  replay.stop();
  clients.stop();
}

function compose(graph, ports) {
  const prefix = graph === 'sources' ? '' : 'federated-';
  const kinds = subgraphNames.filter((name) => !name.includes('-'));
  const urls = kinds.map((name) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports[prefix + name]}`]);
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const args = [main, 'compose', fileURLToPath(supergraphFile(graph)), '--out', supergraphOf(graph)];
  const { status, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, ...Object.fromEntries(urls) },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

function supergraphOf(graph) {
  return join(folder, `${graph}.graphql`);
}

async function measure(graph) {
  await replay.ask({ command: 'prepare' });
  const place = { supergraph: supergraphOf(graph), operation: body, cores: [0] };
  const running = await startSystem(findSystem('weir'), place);
  try {
    const { text } = await running.ask(body);
    if (!isDeepStrictEqual(JSON.parse(text), { data: truth })) throw new Error(`${graph} answers: ${text}`);
    const before = await replay.ask({ command: 'count' });
    const cpu = [];
    const result = await clients.ask(
      {
        ...{ port: running.port, connections: 50, body, expected: text, warmUp: 4 },
        seconds: Number(values.seconds),
      },
      () => cpu.push(total(cpuSeconds(processTree(running.pid)))),
    );
    const wrong = Object.entries(result.wrong);
    if (wrong.length > 0) throw new Error(`${graph}: ${JSON.stringify(wrong)}`);
    const after = await replay.ask({ command: 'count' });
    const { perSecond, p50, p99, requests, requestsInAll } = result;
    const calls = (after.calls - before.calls) / requestsInAll;
    return { perSecond, p50, p99, calls, cpu: ((cpu[1] - cpu[0]) / requests) * 1000 };
  } finally {
    await running.stop();
  }
}

function print(graph, records) {
  const of = (figure, digits) => median(records.map((record) => record[figure])).toFixed(digits);
  process.stdout.write(
    `${graph.padEnd(9)}  ${of('perSecond', 0).padStart(5)} requests/s  p50 ${of('p50', 1)} ms  p99 ${of('p99', 1)} ms  ` +
      `${of('cpu', 2)} ms of CPU time and ${of('calls', 1)} calls a request\n`,
  );
}

function total(seconds) {
  return [...seconds.values()].reduce((sum, one) => sum + one, 0);
}
