/**
 * `node bench/costs.mjs [--features jwt,api-key] [--rounds 5] [--seconds 5]`: what does each feature cost?
 *
 * Whole runs differ by more than what is asked here, so the CPU time of a feature's own functions is measured: by CPU
 * profiles of a gateway that has it on, under the load of *page*. A sample belongs to the innermost function of Weir on
 * its stack, so to a feature belongs what libraries and Node do for it (hashing, looking up, writing headers), but not
 * what it stands around. Garbage collection is spread over all by their time.
 *
 * It is divided by what *page* takes on a gateway without these features, profiled as well, in the same round. As a
 * check the same functions are called in a loop, without a gateway: warm caches make that less.
 * Fails when a median is over its bound.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { policies, protectedShop } from './fixture/protected-shop.mjs';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { features, firstVerification, gateways, standIns, weir } from './lib/costed-features.mjs';
import { inspectable } from './lib/inspector.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { cpuSeconds, processTree } from './lib/processes.mjs';
import { recordProfile, timesBy, weirNames } from './lib/profile.mjs';
import { startSystem } from './lib/running-system.mjs';

/** Of Weir, as it was built last. */
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const usage = `node bench/costs.mjs [options]
  --features a,b     of ${Object.keys(features).join(', ')} (default: all)
  --rounds N         default 5
  --warm-up SECONDS  default 3
  --seconds SECONDS  of each measurement; default 5`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    features: { type: 'string', default: Object.keys(features).join() },
    rounds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
  },
});
if (values.help) {
  say(usage);
  process.exit();
}
const asked = values.features.split(',').map((name) => {
  if (features[name] === undefined) throw new Error(`There is no feature "${name}".\n${usage}`);
  return features[name];
});

await withHelpers(async (bench) => {
  const { folder, urls } = bench;
  writeFileSync(join(folder, 'supergraph.graphql'), supergraphSdl(urls));
  writeFileSync(join(folder, 'policies.mjs'), policies);
  const protectedSdl = await publish(folder, urls);
  const configs = Object.fromEntries(Object.keys(gateways).map((name) => [name, configOf(name, folder)]));

  const names = ['page', ...new Set(asked.map(({ gateway }) => gateway))];
  const rounds = [];
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const measured = {};
    for (const name of names) measured[name] = await measure(name, configs[name], bench);
    const told = names.map((name) => `${name} ${(measured[name].cpu * 1e6).toFixed(0)} µs`).join(', ');
    say(`round ${round} of ${values.rounds}, CPU per request: ${told}`);
    rounds.push(measured);
  }

  const pageCpu = median(rounds.map(({ page }) => page.cpu));
  const tools = await standIns(configs, protectedSdl, rounds[0].page.calls);
  const first = firstVerification(tools);
  const verification = await cpuOf(first.run, { from: 0, to: first.count });
  const rows = [['feature', 'µs per request', '% of page', 'bound', 'µs in a loop']];
  for (const { title, gateway, bound, own, alone, extra } of asked) {
    const add = extra === undefined ? 0 : await loop(await extra.alone(tools));
    const costs = rounds.map((round) => round[gateway].of(own) + add);
    const shares = rounds.map((round, i) => costs[i] / round.page.cpu);
    const share = median(shares);
    const inLoop = (await loop(await alone(tools))) + add;
    rows.push([title, micro(median(costs)), spread(shares), `${bound} %`, micro(inLoop)]);
    if (extra !== undefined)
      rows.push([`  of it ${extra.title}`, micro(add), percent(add / pageCpu), '', '']);
    if (share > bound / 100) process.exitCode = 1;
  }
  if (asked.includes(features.jwt))
    rows.push(['  a token for the first time', '', percent(verification / pageCpu), '', micro(verification)]);
  say(`\nCPU time of page: ${micro(pageCpu)} µs per request\n`);
  printTable(rows);
});

function configOf(name, folder) {
  const config = {
    ...{ mode: 'production', admin: { port: 0 }, logging: { level: 'warn' } },
    supergraph: join(folder, 'supergraph.graphql'),
    ...gateways[name].config(folder),
  };
  writeFileSync(join(folder, `${name}.yaml`), JSON.stringify(config));
  return config;
}

/** @returns the supergraph of the protected shop, which is now in the registry */
async function publish(folder, urls) {
  const { Registry, openRegistryStore, parseVariant } = weir('schema');
  mkdirSync(join(folder, 'registry'));
  const store = await openRegistryStore(join(folder, 'registry'));
  const registry = new Registry({ store, variant: parseVariant('shop@bench') });
  const { outcome, errors } = await registry.publish(protectedShop(urls), { by: 'bench' });
  if (outcome !== 'published') throw new Error(JSON.stringify(errors));
  return registry.supergraph(await registry.newest());
}

/** @returns the CPU seconds of a request, of its parts (`of(own)`), and the calls that it makes */
async function measure(name, config, { replay, clients, folder }) {
  const { operation = workloads.page.operation, headers: makeHeaders } = gateways[name];
  const headers = makeHeaders();
  const body = JSON.stringify(operation);
  await replay.ask({ command: 'prepare' });
  const system = {
    label: `Weir, ${name}`,
    command: ({ port }) => [
      `${dist}cli/main.js`,
      'gateway',
      '--port',
      port,
      '--config',
      join(folder, `${name}.yaml`),
    ],
  };
  const start = { operation: body, headers: headers?.[0], cores: [0], nodeFlags: [inspectable] };
  const running = await startSystem(system, start);
  try {
    await replay.ask({ command: 'record' });
    const { text } = await running.ask(body);
    const { calls } = await replay.ask({ command: 'recorded' });
    const load = async (seconds) => {
      const cpu = [];
      const sample = () => cpu.push(sum(cpuSeconds(processTree(running.pid)).values()));
      const message = {
        port: running.port,
        connections: 50,
        body,
        headers,
        expected: text,
        warmUp: 0.1,
        seconds,
      };
      const { wrong, requests } = await clients.ask(message, sample);
      const problems = Object.entries(wrong).map(([what, count]) => `${count} × ${what}`);
      if (problems.length > 0) throw new Error(`${system.label}: ${problems.join(', ')}\n${running.said()}`);
      return { requests, cpu: (cpu[1] - cpu[0]) / requests };
    };
    // Until each client was answered more than once: what is done once for each is not asked here.
    let warmed = 0;
    do warmed += (await load(Number(values['warm-up']))).requests;
    while (warmed < 3 * (headers?.length ?? 0));
    const end = await recordProfile(running.said());
    const { cpu } = await load(Number(values.seconds));
    const shares = sharesOf(await end());
    const of = (own) => {
      const parts = [...shares].filter(([place]) => own.some((beginning) => place.startsWith(beginning)));
      return sum(parts.map(([, share]) => share)) * cpu;
    };
    return { cpu, of, calls };
  } finally {
    await running.stop();
  }
}

/** The share of the time of each function of Weir, as `FILE:FUNCTION`, with what it has others do. */
function sharesOf(profile) {
  const nameInWeir = weirNames();
  const notItsOwn = new Set(['(idle)', '(garbage collector)']);
  const times = timesBy(profile, (frame) =>
    notItsOwn.has(frame.functionName) ? frame.functionName : nameInWeir(frame),
  );
  for (const name of notItsOwn) times.delete(name);
  const total = sum(times.values());
  return new Map([...times].map(([place, time]) => [place, time / total]));
}

/** The CPU seconds of one run, in a loop that has become fast. */
async function loop(run) {
  const until = performance.now() + 500;
  let from = 0;
  while (performance.now() < until) for (const to = from + 100; from < to; from += 1) await run(from);
  const parts = [];
  for (let part = 0; part < 5; part += 1) parts.push(await cpuOf(run, { from, to: from + 5_000 }));
  return median(parts);
}

async function cpuOf(run, { from, to }) {
  const before = process.cpuUsage();
  for (let i = from; i < to; i += 1) {
    const result = run(i);
    if (typeof result?.then === 'function') await result;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6 / (to - from);
}

function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows)
    say(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
}

function sum(numbers) {
  return [...numbers].reduce((total, number) => total + number, 0);
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function micro(seconds) {
  return (seconds * 1e6).toFixed(1);
}

function percent(share) {
  return `${(share * 100).toFixed(2)} %`;
}

function spread(shares) {
  return `${percent(median(shares))} (${percent(Math.min(...shares))}–${percent(Math.max(...shares))})`;
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
