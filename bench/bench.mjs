/**
 * `npm run bench -- [--quick] [--workloads a,b] [--systems x,y] [--rounds 5] …`; README.md says how to read the output.
 *
 * Systems take turns, round by round, each started anew, so that what the machine does meanwhile hits them alike.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { subgraphNames, supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads as allWorkloads } from './fixture/workloads.mjs';
import { drawChart } from './lib/chart.mjs';
import { startHelper } from './lib/helper.mjs';
import { examine, measure } from './lib/measure.mjs';
import { printTables, summarise } from './lib/report.mjs';
import { findNode } from './lib/nodes.mjs';
import { killAll } from './lib/running-system.mjs';
import { findSystem, onNodes, systemNames, versions } from './systems.mjs';

/** Those that are for all systems. */
const usualWorkloads = Object.keys(allWorkloads).filter((name) => allWorkloads[name].only === undefined);
const cores = { system: 0, helpers: 1 };

const usage = `npm run bench -- [options]
  --quick             two rounds of Weir, Apollo Gateway and limit B on nested and page, about 3 minutes; never quote it
  --workloads a,b     of ${Object.keys(allWorkloads).join(', ')} (default: ${usualWorkloads.join(', ')})
  --systems x,y       of ${systemNames.join(', ')}; weir@DIR is another checkout (default: all but weir-cached, weir-private, weir-2 and hive-jit)
  --node 20,24        runs every system on each of these versions of Node, in turn; npm gets those that are missing.
                      A path of a binary will do, too (default: the Node of the bench)
  --rounds N          default 5
  --warm-up SECONDS   default 5
  --seconds SECONDS   of each measurement; default 10
  --connections N     default 50
  --no-latency        leaves out the measurement at a fixed rate
  --profile           writes a CPU profile of each system, and prints where its time goes
  --out NAME          of the files in results/ (default: the time)`;

await main();

async function main() {
  const options = readOptions();
  if (process.platform !== 'linux')
    throw new Error('The bench pins processes and reads /proc: it needs Linux.');
  spawnSync('taskset', ['-acp', String(cores.helpers), String(process.pid)]);
  mkdirSync(options.results, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  process.on('exit', () => {
    killAll();
    rmSync(folder, { recursive: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  const replay = startHelper('replay.mjs', cores.helpers);
  const clients = startHelper('load.mjs', cores.helpers);
  try {
    const { ports } = await replay.ask({ command: 'listen' });
    const urls = Object.fromEntries(
      subgraphNames.map((name) => [name, `http://127.0.0.1:${ports[name]}/graphql`]),
    );
    const supergraph = join(folder, 'supergraph.graphql');
    writeFileSync(supergraph, supergraphSdl(urls));
    const places = (system, workload) => ({
      supergraph,
      script: scriptFile(folder, system.limitOf, workload),
      cores: system.workers === undefined ? [cores.system] : [cores.system, cores.helpers],
    });
    await run({ replay, clients, cores, options, urls, folder, places, say });
  } finally {
    replay.stop();
    clients.stop();
  }
}

async function run(bench) {
  const { options } = bench;
  const tasks = await prepare(bench);
  const records = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const { workload, system } of tasks) {
      say(`round ${round} of ${options.rounds} · ${workload.name} · ${system.label}`);
      try {
        const record = await measure(system, workload, bench);
        records.push({ round, workload: workload.name, ...record });
        say(`  ${record.perSecond.toFixed(1)}/s  ${record.problems.join('; ')}`);
      } catch (error) {
        say(`  failed: ${error.message}`);
      }
    }
  }
  const report = {
    quotable: options.rounds >= 5 && options.warmUp >= 5 && options.seconds >= 10,
    at: new Date().toISOString(),
    commit: spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).stdout?.trim(),
    node: options.nodes.map(({ version }) => version).join(', '),
    cpu: cpus()[0].model,
    versions: versions(),
    options: {
      ...options,
      systems: undefined,
      nodes: undefined,
      results: undefined,
      workloads: options.workloads.map(({ name, about }) => ({ name, about })),
    },
    labels: Object.fromEntries(tasks.map(({ system }) => [system.name, system.label])),
    medians: summarise(records),
    records,
  };
  writeFileSync(join(options.results, `${options.out}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(join(options.results, `${options.out}.svg`), drawChart(report));
  printTables(report);
  say(`results/${options.out}.json and .svg written`);
}

/** Examines every system with every workload, and writes what the limits need. @returns what is to be measured */
async function prepare(bench) {
  const { options, urls, folder } = bench;
  const tasks = [];
  for (const workload of options.workloads) {
    const write = (name, script) => writeFileSync(scriptFile(folder, name, workload), JSON.stringify(script));
    const systems =
      workload.only === undefined
        ? options.systems
        : options.systems.filter(({ name }) => workload.only.includes(name));
    const gateways = systems.filter((system) => system.limitOf === undefined);
    const wanted = systems.flatMap((system) => system.limitOf ?? []).filter((name) => name !== 'none');
    const only = wanted.filter((name) => !gateways.some((system) => system.name === name)).map(findSystem);
    const failed = new Set();
    for (const system of [...gateways, ...only]) {
      try {
        const { answer, waves } = await examine(system, workload, bench);
        say(
          `${workload.name} · ${system.label}: ${waves.flat().length} calls in ${waves.length} waves, the answer is right`,
        );
        write(system.name, { urls, waves, answer, stamp: workload.stamp });
        write('none', { answer });
      } catch (error) {
        failed.add(system.name);
        say(`${workload.name} · ${system.label} is left out: ${error.message}`);
      }
    }
    // Limit A knows one answer only, so it has no part in a workload of many.
    const takesPart = (system) =>
      !failed.has(system.limitOf ?? system.name) && !(workload.stamp && system.limitOf === 'none');
    const measured = systems.filter(takesPart).flatMap((system) => onNodes(system, options.nodes));
    tasks.push(...measured.map((system) => ({ workload, system })));
  }
  return tasks;
}

/** What a limit reads: the answer of a workload, and the calls of the system that it follows. */
function scriptFile(folder, name, workload) {
  return join(folder, `${encodeURIComponent(name)}-${workload.name}.json`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      quick: { type: 'boolean', default: false },
      workloads: { type: 'string' },
      systems: { type: 'string' },
      node: { type: 'string' },
      rounds: { type: 'string' },
      'warm-up': { type: 'string', default: '5' },
      seconds: { type: 'string' },
      connections: { type: 'string', default: '50' },
      'no-latency': { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    process.exit();
  }
  const { quick } = values;
  const names = (text) => text.split(',').map((name) => name.trim());
  const workloads = names(values.workloads ?? (quick ? 'nested,page' : usualWorkloads.join()));
  const systems = names(
    values.systems ?? (quick ? 'weir,apollo,limit-b' : 'weir,apollo,hive,hive-rust,limit-a,limit-b'),
  );
  return {
    quick,
    workloads: workloads.map((name) => {
      if (allWorkloads[name] === undefined) throw new Error(`There is no workload "${name}".\n${usage}`);
      return { name, ...allWorkloads[name] };
    }),
    systems: systems.map(findSystem),
    nodes: names(values.node ?? process.execPath).map(findNode),
    rounds: Number(values.rounds ?? (quick ? 2 : 5)),
    warmUp: Number(values['warm-up']),
    seconds: Number(values.seconds ?? (quick ? 8 : 10)),
    connections: Number(values.connections),
    latency: !quick && !values['no-latency'],
    profile: values.profile,
    results: fileURLToPath(new URL('results/', import.meta.url)),
    out: values.out ?? (quick ? 'quick' : new Date().toISOString().slice(0, 16).replace(':', '-')),
  };
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
