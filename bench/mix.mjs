/**
 * `node bench/mix.mjs [--systems weir,weir-unshared,apollo,hive] [--rounds 5]`: what do the requests of a day cost, and is
 * anybody told what is old?
 *
 * 200 connections in a closed loop ask for product pages, of 10,000 products by Zipf's law (exponent 1, fixed seed). Every
 * second request is one of 1,000 users', who ask for their own name, too; the others are anonymous. Each 200th request
 * raises a product's price. Subgraphs take 4 ms for a call, and let everybody keep products, stock and reviews for 5 s.
 * A system has one core, the subgraphs and the clients the other. A read is stale that was sent after the answer to a
 * mutation and shows a lower price.
 *
 * It fails when Weir tells anything stale, when an answer is wrong, or when it does fewer requests per second than with
 * everything off that lets clients share.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { startHelper } from './lib/helper.mjs';
import { median } from './lib/median.mjs';
import { ownFolder } from './lib/own-bench.mjs';
import { busySeconds, cpuSeconds, processTree, residentBytes } from './lib/processes.mjs';
import { killAll, startSystem } from './lib/running-system.mjs';
import { findSystem, versions } from './systems.mjs';

const { values } = parseArgs({
  options: {
    systems: { type: 'string', default: 'weir,weir-unshared,apollo,hive' },
    rounds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
  },
});
const names = values.systems.split(',');
const systems = names.map(findSystem);
const page = 'upc name description price category inStock available reviews(first: 5) { id rating title }';
const load = {
  read: `query Product($upc: ID!) { product(upc: $upc) { ${page} } }`,
  readOfUser: `query MyProduct($upc: ID!) { me { id name } product(upc: $upc) { ${page} } }`,
  mutation: 'mutation Raise($upc: ID!) { raisePrice(upc: $upc) { upc price } }',
  ...{ connections: 200, warmUp: Number(values['warm-up']), seconds: Number(values.seconds) },
};

const folder = ownFolder();
const supergraph = join(folder, 'supergraph.graphql');
const clients = startHelper('shoppers.mjs', 1);
const results = new Map(names.map((name) => [name, []]));
try {
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const system of round % 2 === 0 ? systems : [...systems].reverse()) {
      const result = await measure(system);
      results.get(system.name).push(result);
      process.stderr.write(`${round + 1}: ${system.label}: ${result.perSecond.toFixed(0)}/s\n`);
    }
  }
} finally {
  killAll();
  clients.stop();
}
print();

/** One round: subgraphs and system are new, so that nobody finds what another has left. */
async function measure(system) {
  const market = startHelper('market.mjs', 1);
  try {
    const { subgraphs } = await market.ask({ command: 'listen' });
    writeFileSync(supergraph, supergraphOf(subgraphs));
    const running = await startSystem(system, {
      ...{ supergraph, cores: [0], headers: {} },
      operation: JSON.stringify({ query: load.read, variables: { upc: 'p1' } }),
    });
    const pids = processTree(running.pid);
    const sum = () => [...cpuSeconds(pids).values()].reduce((all, seconds) => all + seconds, 0);
    let at;
    const result = await clients.ask({ ...load, port: running.port }, async ({ measuring }) => {
      const now = { cpu: sum(), busy: busySeconds(1), time: performance.now() };
      if (measuring) at = { begun: now, begunCalls: market.ask({ command: 'count' }) };
      else at = { ...at, ended: now, endedCalls: market.ask({ command: 'count' }) };
    });
    const calls = (await at.endedCalls).calls - (await at.begunCalls).calls;
    const { begun, ended } = at;
    const megabytes = residentBytes(pids) / 1024 / 1024;
    await running.stop();
    return {
      ...result,
      ...{ megabytes, callsPerRequest: calls / result.requests },
      cpu: ((ended.cpu - begun.cpu) / result.requests) * 1000,
      otherCore: (ended.busy - begun.busy) / ((ended.time - begun.time) / 1000),
    };
  } finally {
    market.stop();
  }
}

function supergraphOf(subgraphs) {
  const services = Object.entries(subgraphs).map(([name, { url, typeDefs }]) => ({
    ...{ name, url },
    typeDefs: parse(typeDefs),
  }));
  const { supergraphSdl, errors } = composeServices(services);
  if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));
  return supergraphSdl;
}

function print() {
  const say = (line) => process.stdout.write(`${line}\n`);
  const of = (name, read) => median(results.get(name).map(read));
  say('system                    requests/s  p50 ms  p99 ms  CPU ms  calls  MB   stale of reads  other core');
  for (const { name, label } of systems) {
    const stale = results.get(name).reduce((sum, round) => sum + round.stale, 0);
    const reads = results.get(name).reduce((sum, round) => sum + round.reads, 0);
    say(
      [
        label.padEnd(25),
        of(name, (round) => round.perSecond)
          .toFixed(0)
          .padStart(10),
        of(name, (round) => round.p50)
          .toFixed(1)
          .padStart(7),
        of(name, (round) => round.p99)
          .toFixed(1)
          .padStart(7),
        of(name, (round) => round.cpu)
          .toFixed(3)
          .padStart(7),
        of(name, (round) => round.callsPerRequest)
          .toFixed(2)
          .padStart(6),
        of(name, (round) => round.megabytes)
          .toFixed(0)
          .padStart(4),
        `${stale} of ${reads}`.padStart(15),
        `${(of(name, (round) => round.otherCore) * 100).toFixed(0)} %`.padStart(11),
      ].join(' '),
    );
    for (const [problem, count] of results.get(name).flatMap((round) => Object.entries(round.problems))) {
      say(`  wrong: ${problem} (${count})`);
      process.exitCode = 1;
    }
    if (name === 'weir' && stale > 0) process.exitCode = 1;
  }
  const [weir, unshared] = ['weir', 'weir-unshared'].map((name) =>
    names.includes(name) ? of(name, (round) => round.perSecond) : undefined,
  );
  if (weir < unshared) process.exitCode = 1;
  say(`\nNode ${process.version}, ${values.rounds} rounds; ${JSON.stringify(versions())}`);
}
