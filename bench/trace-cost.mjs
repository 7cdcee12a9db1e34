/**
 * `node bench/trace-cost.mjs [--without DIR] [--rounds 3] …`: what do traces and the console's recording cost?
 *
 * A round starts a process of each variant on one core, and everything else on the other. The clients load one process at a
 * time, and switch to the next after half a second. What counts is the CPU time of the gateway's process per request,
 * exports included. A ratio is that of a variant to that of `off`, with no collector and no console, in the same pass through
 * all variants: whatever else the machine does meanwhile hits both. Printed are the median and the quartiles of all passes.
 * Two processes of one build differ by up to 3 % as long as they live: so `off` is there twice, other variants are compared
 * with both, and the medians of the rounds stand apart.
 *
 * Clients ask again at once: at a rate below its limit a gateway spends more time on waking up than on traces. The spans that
 * were exported stand beside, since spans that are dropped cost less. Fails when a median is over its bound.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { startHelper } from './lib/helper.mjs';
import { median } from './lib/median.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { processTree, scheduledSeconds } from './lib/processes.mjs';
import { startSystem } from './lib/running-system.mjs';
import { weirWith } from './systems.mjs';

/**
 * By name: options of `telemetry.traces`, without those of the collector; the share that the console records; and the bound
 * in per cent.
 */
const variants = {
  off: {},
  'off again': {},
  without: { bound: 2 },
  '1 %': { traces: { sampling: 0.01 }, bound: 3 },
  '100 %': { traces: { sampling: 1 }, bound: 15 },
  keep: { traces: { sampling: 0, keep: { failed: true, slowerThan: '10s' } }, bound: 15 },
  'console 1 %': { console: 0.01, bound: 3 },
  'console 100 %': { console: 1, bound: 15 },
};

const usage = `node bench/trace-cost.mjs [options]
  --variants a,b     of ${Object.keys(variants).join(', ')} (default: all)
  --without DIR      the build of a checkout from before there were traces; left out, there is no such variant
  --weir DIR         another checkout, for all other variants
  --workload NAME    of ${Object.keys(workloads).join(', ')} (default: page4)
  --rounds N         each with new processes; default 3
  --passes N         through all variants in a round; default 30
  --rate SHARE       of the requests per second that \`off\` can answer; default: as many as each can
  --warm-up SECONDS  of each process; default 5
  --seconds SECONDS  of each variant in a pass; default 0.5
  --json             prints JSON`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    variants: { type: 'string', default: Object.keys(variants).join() },
    without: { type: 'string' },
    weir: { type: 'string' },
    workload: { type: 'string', default: 'page4' },
    rounds: { type: 'string', default: '3' },
    passes: { type: 'string', default: '30' },
    rate: { type: 'string' },
    'warm-up': { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.5' },
    json: { type: 'boolean', default: false },
  },
});
const names = values.variants.split(',').filter((name) => name !== 'without' || values.without !== undefined);
const workload = workloads[values.workload];
if (values.help || workload === undefined || names.some((name) => variants[name] === undefined)) {
  process.stdout.write(`${usage}\n`);
  process.exit(values.help ? 0 : 1);
}
if (!names.includes('off')) names.unshift('off');

/** Milliseconds between exports, as long as there are few spans. */
const delay = 100;
process.env.OTEL_BSP_SCHEDULE_DELAY = String(delay);
// This process, too, stays away from the core that is measured.
execFileSync('taskset', ['-apc', '1', String(process.pid)]);

await withHelpers(async (bench) => {
  writeFileSync(join(bench.folder, 'supergraph.graphql'), supergraphSdl(bench.urls));
  await bench.replay.ask({ command: 'prepare', stamp: workload.stamp, delays: workload.delays });
  const collector = startHelper('collector.mjs', 1);
  try {
    const { port } = await collector.ask({ command: 'listen' });
    const url = `http://127.0.0.1:${port}/v1/traces`;
    const rounds = [];
    for (let round = 0; round < Number(values.rounds); round += 1) {
      rounds.push(await measureRound({ ...bench, collector, url, round }));
      const told = names.map((name) => `${name} ${median(ratiosIn(rounds[round], name)).toFixed(3)}`);
      process.stderr.write(`round ${round + 1} of ${values.rounds}, ÷ off: ${told.join(', ')}\n`);
    }
    print(rounds);
  } finally {
    collector.stop();
  }
});

/** @returns of each pass, by variant: microseconds of CPU time, and spans exported, per request */
async function measureRound({ clients, collector, folder, url, round }) {
  const { stamp, get, identities } = workload;
  const operation = JSON.stringify(workload.operation);
  const running = [];
  try {
    for (const name of names)
      running.push(
        await startSystem(systemOf(name, folder, url), {
          ...{ supergraph: join(folder, 'supergraph.graphql'), operation, cores: [0] },
        }),
      );
    const { text: expected } = await running[0].ask(operation);
    const load = async ({ port }, more) => {
      const message = { port, body: operation, expected, stamp, get, identities, warmUp: 0, ...more };
      const result = await clients.ask(message);
      if (Object.keys(result.wrong).length > 0) throw new Error(JSON.stringify(result.wrong));
      return result;
    };
    const rates = [];
    for (const each of running)
      rates.push(
        (await load(each, { connections: 50, seconds: 1, warmUp: Number(values['warm-up']) })).perSecond,
      );
    const rate = values.rate && Number(values.rate) * rates[names.indexOf('off')];
    const trees = running.map(({ pid }) => processTree(pid));
    const turn = async (i) => {
      const before = scheduledSeconds(trees[i]);
      const { spans } = await collector.ask({ command: 'count' });
      const { requestsInAll: requests } = await load(running[i], {
        ...{ connections: 50, rate, seconds: Number(values.seconds) },
      });
      // What is left is exported meanwhile.
      await sleep(2 * delay);
      const after = await collector.ask({ command: 'count' });
      const cpu = ((scheduledSeconds(trees[i]) - before) / requests) * 1e6;
      return { cpu, spans: (after.spans - spans) / requests };
    };
    const passes = [];
    for (let pass = 0; pass <= Number(values.passes); pass += 1) {
      const turns = {};
      // Whoever is first in a pass is last in the next one.
      for (let step = 0; step < running.length; step += 1) {
        const at = (step + pass + round) % running.length;
        const i = pass % 2 === 0 ? at : running.length - 1 - at;
        turns[names[i]] = await turn(i);
      }
      if (pass > 0) passes.push(turns);
    }
    return passes;
  } finally {
    for (const each of running) await each.stop();
  }
}

/** @returns of each pass: the CPU time of a variant to that of both processes without traces, or of the second to the first */
function ratiosIn(passes, name) {
  return passes.map((turns) => {
    const { off, 'off again': second = off } = turns;
    const beside = name.startsWith('off') ? off.cpu : (off.cpu + second.cpu) / 2;
    return turns[name].cpu / beside;
  });
}

function systemOf(name, folder, url) {
  const { traces, console: sampling = 0 } = variants[name];
  const dir = name === 'without' ? values.without : values.weir;
  // Earlier builds know no console.
  const hasConsole = existsSync(
    join(dir ?? fileURLToPath(new URL('..', import.meta.url)), 'dist/gateway/console'),
  );
  const config = {
    ...{ mode: 'production', logging: { level: 'warn' } },
    admin: { port: 0, ...(hasConsole && { console: { enabled: sampling > 0, sampling } }) },
    ...(traces !== undefined && { telemetry: { traces: { otlp: { url }, ...traces } } }),
  };
  const file = join(folder, `${name.replace(/\W/g, '-')}.yaml`);
  writeFileSync(file, JSON.stringify(config));
  return weirWith(file, dir);
}

function print(rounds) {
  const results = names.map((name) => {
    const ratios = rounds.flatMap((passes) => ratiosIn(passes, name)).sort((a, b) => a - b);
    const all = (figure) => median(rounds.flat().map((turns) => turns[name][figure]));
    const { bound } = variants[name];
    const ratio = median(ratios);
    // A build without traces is compared the other way round: with what `off` costs beside it.
    const cost = ((name === 'without' ? 1 / ratio : ratio) - 1) * 100;
    if (bound !== undefined && cost > bound) process.exitCode = 1;
    return {
      ...{ name, bound, cpu: all('cpu'), spans: all('spans'), ratio },
      quartiles: [0.25, 0.75].map((share) => ratios[Math.floor(share * (ratios.length - 1))]),
      rounds: rounds.map((passes) => median(ratiosIn(passes, name))),
    };
  });
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ workload: values.workload, results }, undefined, 2)}\n`);
    return;
  }
  const [first] = rounds;
  process.stdout.write(
    `\n${values.workload}, ${rounds.length} rounds of ${first.length} passes\n` +
      `${'µs'.padStart(22)}${'spans'.padStart(9)}${'÷ off'.padStart(9)}  quartiles     bound  rounds\n`,
  );
  const three = (numbers, between) => numbers.map((number) => number.toFixed(3)).join(between);
  for (const { name, cpu, spans, ratio, quartiles, bound, rounds: each } of results)
    process.stdout.write(
      `${name.padEnd(14)}${cpu.toFixed(1).padStart(8)}${spans.toFixed(2).padStart(9)}${ratio.toFixed(3).padStart(9)}  ` +
        `${three(quartiles, '–')}${(bound === undefined ? '' : `${bound} %`).padStart(8)}  ${three(each, ' ')}\n`,
    );
}
