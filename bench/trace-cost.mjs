/**
 * `node bench/trace-cost.mjs [--without DIR] [--rounds 5] …`: what do traces and the console's recording cost?
 *
 * All variants run at the same time on one core, and the clients load them in turns, so that whatever else the machine
 * does meanwhile hits all alike. What counts is the CPU time of the gateway's process per request, exports included: a turn
 * ends when nothing is left to export. The ratios are those to `off`, with no collector and no console, in the same round. A round
 * is new processes, since two processes of the same build differ by up to 3 %, too; so `off` is there twice.
 *
 * Requests are due at a share of the rate that `off` reaches: at its limit a gateway has no time to export, and drops most
 * spans, which costs less. How many arrive is told beside the times. Fails when a median is over its bound.
 */
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
import { cpuSeconds, processTree } from './lib/processes.mjs';
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
  --rounds N         default 7
  --rate SHARE       of the requests per second that \`off\` can answer; default 0.4
  --turns N          of each variant in a round; default 6
  --warm-up SECONDS  of each process; default 4
  --seconds SECONDS  of a turn; default 1
  --json             prints JSON`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    variants: { type: 'string', default: Object.keys(variants).join() },
    without: { type: 'string' },
    weir: { type: 'string' },
    workload: { type: 'string', default: 'page4' },
    rounds: { type: 'string', default: '7' },
    rate: { type: 'string', default: '0.4' },
    turns: { type: 'string', default: '6' },
    'warm-up': { type: 'string', default: '4' },
    seconds: { type: 'string', default: '1' },
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
      const told = names.map((name) => `${name} ${rounds[round][name].cpu.toFixed(1)}`).join(', ');
      process.stderr.write(`round ${round + 1} of ${values.rounds}, µs per request: ${told}\n`);
    }
    print(rounds);
  } finally {
    collector.stop();
  }
});

/** @returns by variant: microseconds of CPU time, and spans exported, per request */
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
    const load = async (of, seconds, warmUp, rate) => {
      const before = cpuOf(of);
      const spans = (await collector.ask({ command: 'count' })).spans;
      const message = { port: of.port, connections: 50, body: operation, expected, stamp, get, identities };
      const { requestsInAll, perSecond, wrong } = await clients.ask({ ...message, seconds, warmUp, rate });
      if (Object.keys(wrong).length > 0) throw new Error(JSON.stringify(wrong));
      const exported = (await untilQuiet(collector)) - spans;
      return { requests: requestsInAll, perSecond, cpu: cpuOf(of) - before, spans: exported };
    };
    const rates = [];
    for (const each of running) rates.push((await load(each, 1, Number(values['warm-up']))).perSecond);
    const rate = Number(values.rate) * rates[names.indexOf('off')];
    const turns = running.map(() => []);
    for (let turn = 0; turn < Number(values.turns); turn += 1) {
      // Whoever is first in a turn is last in the next one.
      for (let i = 0; i < running.length; i += 1) {
        const at = (i + turn + round) % running.length;
        const which = turn % 2 === 0 ? at : running.length - 1 - at;
        turns[which].push(await load(running[which], Number(values.seconds), 0, rate));
      }
    }
    return Object.fromEntries(
      names.map((name, i) => {
        const total = (figure) => turns[i].reduce((sum, each) => sum + each[figure], 0);
        const requests = total('requests');
        return [name, { cpu: (total('cpu') / requests) * 1e6, spans: total('spans') / requests }];
      }),
    );
  } finally {
    for (const each of running) await each.stop();
  }
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

function cpuOf({ pid }) {
  return [...cpuSeconds(processTree(pid)).values()].reduce((sum, each) => sum + each, 0);
}

/** Waits until nothing has come for a while. @returns how many spans have come since the start */
async function untilQuiet(collector) {
  for (let last = -1; ;) {
    const { spans } = await collector.ask({ command: 'count' });
    if (spans === last) return spans;
    last = spans;
    await sleep(3 * delay);
  }
}

function print(rounds) {
  const results = names.map((name) => {
    const ratios = rounds.map((round) => round[name].cpu / round.off.cpu).sort((a, b) => a - b);
    const { bound } = variants[name];
    const more = (median(ratios) - 1) * 100;
    // Of a build without traces the ratio is turned round: what `off` costs beside it.
    const cost = name === 'without' ? (1 / median(ratios) - 1) * 100 : more;
    if (bound !== undefined && cost > bound) process.exitCode = 1;
    return {
      name,
      cpu: median(rounds.map((round) => round[name].cpu)),
      spans: median(rounds.map((round) => round[name].spans)),
      ratio: median(ratios),
      least: ratios[0],
      most: ratios.at(-1),
      bound,
    };
  });
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ workload: values.workload, results }, undefined, 2)}\n`);
    return;
  }
  process.stdout.write(
    `\n${values.workload}, ${rounds.length} rounds\n${'µs'.padStart(22)}${'spans'.padStart(9)}${'÷ off'.padStart(9)}  in the rounds     bound\n`,
  );
  for (const { name, cpu, spans, ratio, least, most, bound } of results)
    process.stdout.write(
      `${name.padEnd(14)}${cpu.toFixed(1).padStart(8)}${spans.toFixed(2).padStart(9)}${ratio.toFixed(3).padStart(9)}  ${least.toFixed(3)}–${most.toFixed(3)}` +
        `${bound === undefined ? '' : `${bound} %`.padStart(10)}\n`,
    );
}
