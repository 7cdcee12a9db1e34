/**
 * `node bench/chattiness.mjs [--rounds 20]`: what do clients cost the subgraphs that ask at the same time, or for much of
 * what is in the entity cache?
 *
 * The subgraphs are processes of their own, and every answer is compared with what graphql-js says of the whole graph.
 * Only counts and ratios are judged, so no quiet machine is needed. It fails unless
 *
 * - 50 clients who ask at once for ten product pages, of which nothing is cached, cost at most a quarter of the subgraph
 *   calls that they cost with Apollo Gateway: anonymous ones, with Weir as it comes, and ones who are signed in, each as
 *   somebody else, with subgraphs that are declared `identity: independent`. With `me` on the page, for which accounts
 *   has to know who asks, the figure is said and not judged: no two such calls are alike;
 * - a list of 50 products, 40 of which are in the entity cache, takes at most 0.3 times the subgraphs' time that it takes
 *   without that cache. This is the time in which they work on calls for entities: graphql-js's own, and a tenth of a
 *   millisecond for each entity, which is little for one that is read from a table. For entities that are in the
 *   subgraph's memory, the figure is said and not judged: there, most of the time is for what each call costs anyway;
 * - 1,000 clients who ask at once for one page, which is for everybody and not cached, cost the subgraph calls of one.
 *
 * The calls that four workers cost beside one are printed and not judged, as workers share no requests in flight. 50 clients
 * request ten pages three times, cached in the memory of each worker or in a Redis, or one page once, which is not cached.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { subgraphNames, supergraphSdl, truth } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { openRedis, redisMissing } from './lib/redis.mjs';
import { startSystem } from './lib/running-system.mjs';
import { findSystem, weirWith } from './systems.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
const rounds = Number(values.rounds);

const pageOfMine = workloads.page.operation.query;
const page = pageOfMine.replace(/me \{.*\}/, '');
const list = `
  query List($upc: ID!) {
    product(upc: $upc) {
      related(first: 50) { upc name inStock available availability shippingEstimate ratingSummary { average count } }
    }
  }
`;

const each = (options, names = subgraphNames) => ({
  subgraphs: Object.fromEntries(names.map((name) => [name, options])),
});
const independent = { identity: 'independent' };
const forEverybody = each({ cache: { maxAge: '1h', scope: 'public' } });
const truths = new Map();
let configs = 0;

await withHelpers(async ({ replay: shop, urls, folder }) => {
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, supergraphSdl(urls));
  const count = () => shop.ask({ command: 'count' });

  await compareCrowds('anonymous', page, { isSignedIn: false, most: 0.25 });
  await compareCrowds('signed in', page, { isSignedIn: true, options: each(independent), most: 0.25 });
  const others = subgraphNames.filter((name) => name !== 'accounts');
  await compareCrowds('signed in, with `me`', pageOfMine, {
    isSignedIn: true,
    options: each(independent, others),
  });
  await compareEntities('a tenth of a millisecond for each', { perEntity: 0.1, most: 0.3 });
  await compareEntities('in memory', { perEntity: 0 });
  await stampede();
  const ten = (i, round) => round * 10 + (i % 10);
  await compareWorkers('ten pages three times, cached in memory', {
    product: ten,
    times: 3,
    options: forEverybody,
  });
  if (redisMissing === undefined) {
    const redis = openRedis(folder);
    const options = { ...forEverybody, cache: { store: redis.url } };
    await compareWorkers('ten pages three times, cached in Redis', {
      product: ten,
      times: 3,
      options,
    });
    redis.stop();
  }
  await compareWorkers('one page at once, not cached', { product: (i, round) => round, times: 1 });

  async function compareCrowds(who, query, { isSignedIn, options = {}, most }) {
    const apollo = await crowd(findSystem('apollo'), query, isSignedIn);
    const weir = await crowd(weirOf(options), query, isSignedIn);
    report(
      `50 clients, ten pages, ${who}: ${weir.calls.toFixed(2)} calls a request, Apollo Gateway ${apollo.calls.toFixed(2)}`,
      { ratio: weir.calls / apollo.calls, most, wrong: weir.wrong + apollo.wrong },
    );
  }

  /** @returns subgraph calls for each request of 50 clients who ask at once */
  async function crowd(system, query, isSignedIn) {
    const { ask, stop } = await start(system);
    const askAll = (what, upc) =>
      Promise.all(range(50).map((i) => ask(what, upc(i), isSignedIn ? `client ${i}` : undefined)));
    // Connections are open and the operation is planned.
    await askAll('{ __typename }', () => 'p1');
    await ask(query, 'p1', isSignedIn ? 'client 0' : undefined);
    await count();
    let wrong = 0;
    for (let round = 0; round < rounds; round += 1)
      wrong += wrongOf(await askAll(query, (i) => `p${11 + ((round * 10 + (i % 10)) % 30)}`));
    const { calls } = await count();
    await stop();
    return { calls: calls / rounds / 50, wrong };
  }

  async function compareEntities(where, { perEntity, most }) {
    await shop.ask({ command: 'prepare', perEntity });
    const noResponses = { responses: { enabled: false } };
    const saving = await start(weirOf({ ...forEverybody, cache: noResponses }));
    const other = await start(
      weirOf({ ...forEverybody, cache: { ...noResponses, entities: { enabled: false } } }),
    );
    const sums = new Map([saving, other].map((one) => [one, { times: [], entities: 0, wrong: 0 }]));
    const warmUp = 5;
    // There are 2,000 products. Of one, every 17th after it is related: of the next one's fifty, forty are known.
    for (let i = 0; i < Math.min(warmUp + 5 * rounds, 195); i += 1) {
      for (const [gateway, sum] of i % 2 === 0 ? sums : [...sums].reverse()) {
        await count();
        if (!(await gateway.ask(list, `p${((i * 170) % 2000) + 1}`))) sum.wrong += 1;
        const { milliseconds, entities } = await count();
        if (i < warmUp) continue;
        sum.times.push(milliseconds);
        sum.entities += entities;
      }
    }
    await saving.stop();
    await other.stop();
    const [known, all] = sums.values();
    report(
      `50 products, 40 known, ${where}: ${median(known.times).toFixed(2)} ms of the subgraphs, without the entity ` +
        `cache ${median(all.times).toFixed(2)} ms; ${known.entities} entities of ${all.entities}`,
      { ratio: median(known.times) / median(all.times), most, wrong: known.wrong + all.wrong },
    );
  }

  async function stampede() {
    const { ask, stop } = await start(weirOf(forEverybody));
    const askAll = (query, upc) => Promise.all(range(1000).map((i) => ask(query, upc, `client ${i}`)));
    await askAll('{ __typename }', 'p1');
    await count();
    const first = await ask(page, 'p11', 'client');
    const one = await count();
    const answers = await askAll(page, 'p12');
    const all = await count();
    await stop();
    report(`1,000 clients, one cold page: ${all.calls} calls, one client ${one.calls}`, {
      ratio: all.calls / one.calls,
      most: 1,
      wrong: wrongOf([first, ...answers]),
    });
  }

  /** @param product the number of the product whose page a client requests so many `times` in a round */
  async function compareWorkers(what, { product, times, options = {} }) {
    const [one, four] = [await callsOf(1), await callsOf(4)];
    report(`50 clients, ${what}: ${four.calls} calls with four workers, with one ${one.calls}`, {
      ...{ ratio: four.calls / one.calls, wrong: one.wrong + four.wrong },
    });

    async function callsOf(workers) {
      const { command } = weirOf(options);
      const system = { command: (files) => [...command(files), '--workers', String(workers)] };
      const { ask, stop } = await start(system);
      const askAll = (query, upc) => Promise.all(range(50).map((i) => ask(query, upc(i))));
      await askAll('{ __typename }', () => 'p1');
      await count();
      let wrong = 0;
      for (let round = 0; round < rounds; round += 1)
        for (let time = 0; time < times; time += 1)
          // Others for each number of workers, as they may share a store.
          wrong += wrongOf(await askAll(page, (i) => `p${workers * 400 + product(i, round)}`));
      const { calls } = await count();
      await stop();
      return { calls, wrong };
    }
  }

  /** @returns the running system, whose `ask(query, upc, client)` resolves with whether the answer is right */
  async function start(system) {
    const body = (query, upc) => JSON.stringify({ query, variables: { upc } });
    const running = await startSystem(system, {
      supergraph,
      operation: body('query($upc: ID!) { product(upc: $upc) { upc } }', 'p1'),
      cores: [0, 1],
      headers: {},
    });
    return {
      stop: running.stop,
      async ask(query, upc, client) {
        const authorization = client && `Bearer ${client}`;
        const { status, text } = await running.ask(body(query, upc), authorization);
        return status === 200 && isDeepStrictEqual(JSON.parse(text), right(query, upc));
      },
    };
  }

  function weirOf(options) {
    // A file of its own each: a running gateway takes what is written to its own.
    const file = join(folder, `weir-${(configs += 1)}.yaml`);
    const common = { mode: 'production', admin: { port: 0 }, logging: { level: 'warn' } };
    writeFileSync(file, JSON.stringify({ ...common, ...options }));
    return weirWith(file);
  }
}, 'shop.mjs');

function right(query, upc) {
  const key = `${query} ${upc}`;
  if (!truths.has(key)) truths.set(key, JSON.parse(JSON.stringify(truth({ query, variables: { upc } }))));
  return truths.get(key);
}

function range(count) {
  return Array.from({ length: count }, (_, i) => i);
}

/** Of times, as a process that waits for a core may be late once. */
function median(times) {
  return times.toSorted((one, other) => one - other)[times.length >> 1];
}

function wrongOf(answers) {
  return answers.filter((isRight) => !isRight).length;
}

/** Without `most`, the ratio is not judged. */
function report(text, { ratio, most, wrong }) {
  // NaN, of something that was not counted, is no promise kept.
  const isKept = wrong === 0 && (most === undefined || ratio <= most);
  const verdict = !isKept ? 'NOT WELL' : most === undefined ? 'not judged' : 'well';
  const limit = most === undefined ? '' : ` (at most ${most})`;
  process.stdout.write(
    `${verdict.padEnd(10)}  ${text}: ${ratio.toFixed(3)}${limit}, ${wrong} answers wrong\n`,
  );
  if (!isKept) process.exitCode = 1;
}
