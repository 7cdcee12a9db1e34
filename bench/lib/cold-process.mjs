/**
 * One instance of a function, from the start of its process: `node cold-process.mjs ENTRY EVENT SUBGRAPH`. Prints as JSON
 * what the first answer took, and what each further one takes beside a bare call of the subgraph.
 */
import { Agent, request } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { pathToFileURL } from 'node:url';
import threads from 'node:worker_threads';

let started = 0;
threads.Worker = class extends threads.Worker {
  constructor(...given) {
    super(...given);
    started += 1;
  }
};
syncBuiltinESMExports();

const [, , entry, event, subgraph] = process.argv;
const context = { getRemainingTimeInMillis: () => 30_000 };
/** The runtime parses each event anew. */
const ask = () => handler(JSON.parse(event), context);

const { handler } = await import(pathToFileURL(entry).href);
const { statusCode: status, body } = await ask();
const first = {
  cpu: milliseconds(),
  wall: performance.now(),
  memory: process.memoryUsage.rss() / 1e6,
  threads: started,
};
const bare = callSubgraph(new Agent({ keepAlive: true }));
for (const call of [ask, bare]) await cpuOf(call);
const [handled, called] = [await cpuOf(ask), await cpuOf(bare)];
process.stdout.write(JSON.stringify({ ...first, status, body, overhead: handled - called }), () =>
  process.exit(0),
);

/** Milliseconds of CPU time of one call, of many one after the other. */
async function cpuOf(call) {
  const calls = 500;
  const before = milliseconds();
  for (let i = 0; i < calls; i += 1) await call();
  return (milliseconds() - before) / calls;
}

/** Of CPU time, of all threads of this process since its start. */
function milliseconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** @returns a function that sends the subgraph the query of the event, and reads the answer */
function callSubgraph(agent) {
  const sent = '{"query":"{me{name}}"}';
  const headers = { 'content-type': 'application/json', 'content-length': sent.length };
  return () =>
    new Promise((resolve, reject) => {
      request(subgraph, { method: 'POST', agent, headers }, (response) =>
        response.resume().on('end', resolve),
      )
        .on('error', reject)
        .end(sent);
    });
}
