/**
 * `node bench/features.mjs [--quick] [--features tls,brotli] [--rounds 2] …`: what do the features cost that users run,
 * beside what the libraries for them cost alone?
 *
 * For each feature these run at once on one core, each in processes of its own: Weir with it and without it, a limit with it
 * and without it (the calls that Weir makes by `undici` and `JSON`, the feature by Node or the usual library:
 * `servers/limit-features.mjs`), and Apollo Gateway where it has the feature. Clients and subgraphs are on the other core. The
 * clients load one system at a time, and switch to the next after half a second, in another order in each pass: whatever else
 * the machine does hits all alike. Figures are medians of all passes; a ratio is that of two systems in the same pass.
 *
 * CPU time is that of all threads and processes of a system, per request. Each answer is compared with the first one of its
 * system. Each request has an `authorization` of its own. It only prints figures, as a table of Markdown.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bodies, largeSupergraph } from './fixture/feature-operations.mjs';
import { subgraphNames, supergraphSdl } from './fixture/subgraphs.mjs';
import { startHelper } from './lib/helper.mjs';
import { certificate, features, key } from './lib/measured-features.mjs';
import { median } from './lib/median.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { openRedis } from './lib/redis.mjs';
import { processTree, residentBytes, scheduledSeconds } from './lib/processes.mjs';
import { startProfile } from './lib/profile.mjs';
import { inspectable } from './lib/inspector.mjs';
import { startSystem } from './lib/running-system.mjs';
import { findSystem, weirWith } from './systems.mjs';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    quick: { type: 'boolean', default: false },
    features: { type: 'string', default: Object.keys(features).join() },
    peer: { type: 'string', multiple: true, default: [] },
    weir: { type: 'string' },
    rounds: { type: 'string' },
    passes: { type: 'string' },
    'warm-up': { type: 'string' },
    seconds: { type: 'string', default: '0.5' },
    profile: { type: 'string' },
  },
});
const names = values.features.split(',');
const isWrong = names.some((name) => features[name] === undefined);
if (values.help || isWrong) {
  process.stdout.write(`node bench/features.mjs [options]
  --quick            one round of three passes: about 6 minutes; never quote it
  --features a,b     of ${Object.keys(features).join(', ')} (default: all)
  --peer NAME=FILE   another gateway, for what Apollo Gateway is measured with without options: started as FILE PORT SUPERGRAPH
  --weir DIR         the build of another checkout
  --rounds N         each with new processes; default 2
  --passes N         through all systems of a feature; default 8
  --warm-up SECONDS  of each process; default 4, quick 3
  --seconds SECONDS  of each system in a pass; default 0.5
  --profile DIR      writes a CPU profile of Weir with each feature into this folder\n`);
  process.exit(isWrong ? 1 : 0);
}
const setting = (name, quick, usual) => Number(values[name] ?? (values.quick ? quick : usual));
const [rounds, passes, warmUp] = [setting('rounds', 1, 2), setting('passes', 3, 8), setting('warm-up', 3, 4)];
const seconds = Number(values.seconds);

/** Milliseconds between exports of spans, for Weir and for OpenTelemetry's SDK. */
const exportDelay = 100;
process.env.OTEL_BSP_SCHEDULE_DELAY = String(exportDelay);
// This process, too, stays away from the core that is measured.
execFileSync('taskset', ['-apc', '1', String(process.pid)]);

await withHelpers(async (bench) => {
  const [clients, front, collecting] = ['any-load.mjs', 'front.mjs', 'collector.mjs'].map((file) =>
    startHelper(file, 1),
  );
  const { fronts } = await front.ask({ command: 'listen', urls: bench.urls, certificate, key });
  const collector = `http://127.0.0.1:${(await collecting.ask({ command: 'listen' })).port}/v1/traces`;
  const redis = names.includes('redis') && !features.redis.missing ? openRedis(bench.folder) : undefined;
  const context = { ...bench, clients, fronts, collector, redis: redis?.url };
  try {
    row(
      ...['feature', 'requests/s', 'CPU µs', '÷ without', 'limit’s CPU µs', '÷ without', 'Weir ÷ limit'],
      ...['added µs: Weir, limit', 'Apollo’s CPU µs', 'MB: with, without'],
    );
    row(...Array.from({ length: 10 }, (_, i) => (i === 0 ? '---' : '--:')));
    for (const name of names) {
      if (features[name].missing) row(features[name].title, `left out: ${features[name].missing}`);
      else await measure(name, context);
    }
  } finally {
    for (const helper of [clients, front, collecting]) helper.stop();
    redis?.stop();
  }
});

async function measure(name, context) {
  const feature = features[name];
  const turns = {};
  for (let round = 0; round < rounds; round += 1) {
    const running = [];
    try {
      await openAll(name, feature, context, running);
      for (let pass = 0; pass < passes; pass += 1) {
        const order = running.map((_, i) => running[(i + pass + round) % running.length]);
        for (const system of pass % 2 === 0 ? order : order.reverse())
          (turns[system.label] ??= []).push(await turn(system, context));
      }
      if (values.profile !== undefined) await profile(name, running[0], context);
    } finally {
      for (const { stop } of running) await stop();
    }
  }
  const of = (label, figure) => median(turns[label].map((each) => each[figure]));
  const cpu = (label) => of(label, 'cpu').toFixed(0);
  const ratio = (one, other) =>
    median(turns[one].map((each, i) => each.cpu / turns[other][i].cpu)).toFixed(2);
  const added = (one, other) =>
    median(turns[one].map((each, i) => each.cpu - turns[other][i].cpu)).toFixed(0);
  const others = Object.keys(turns).filter((label) => !/^(weir|limit)/.test(label));
  row(
    ...[feature.title, of('weir', 'perSecond').toFixed(0), cpu('weir'), ratio('weir', 'weir-without')],
    ...[cpu('limit'), ratio('limit', 'limit-without'), ratio('weir', 'limit')],
    `${added('weir', 'weir-without')}, ${added('limit', 'limit-without')}`,
    others.map((label) => (label === 'apollo' ? cpu(label) : `${label} ${cpu(label)}`)).join(', ') || '–',
    `${of('weir', 'megabytes').toFixed(0)}, ${of('weir-without', 'megabytes').toFixed(0)}`,
  );
}

/** Starts the systems of a feature, and adds them to `running`: Weir with it is the first. */
async function openAll(name, feature, context, running) {
  const { folder, urls, fronts } = context;
  const resolve = (options) => (typeof options === 'function' ? options(context) : options);
  const write = (file, text) => {
    writeFileSync(join(folder, file), text);
    return join(folder, file);
  };
  const own = feature.front
    ? Object.fromEntries(subgraphNames.map((each) => [each, fronts[each][feature.front]]))
    : urls;
  const sdl = supergraphSdl(own);
  const supergraph = write(`${name}.graphql`, feature.isLarge ? largeSupergraph(sdl) : sdl);
  const plain = write('supergraph.graphql', supergraphSdl(urls));
  const { headers = [{}], http2, ca, passesVariables } = feature;
  const load = { bodies: feature.bodies ?? bodies.page, headers, http2, ca };
  const plainLoad = { bodies: feature.baseBodies ?? bodies.page, headers: [{}] };
  const start = async (label, system, given) => {
    running.push(await open({ label, system, feature, ...given }, context));
    return running.at(-1);
  };
  const weir = (label, options, flags = []) => {
    const config = {
      mode: 'production',
      admin: { port: 0 },
      logging: { level: 'warn' },
      ...resolve(options),
    };
    const { command } = weirWith(write(`${name}-${label}.yaml`, JSON.stringify(config)), values.weir);
    return { label, command: (files) => [...command(files), ...flags] };
  };
  const limit = (label, script) => {
    const server = fileURLToPath(new URL('servers/limit-features.mjs', import.meta.url));
    const file = write(`${label}.json`, JSON.stringify({ passesVariables, ...script }));
    return { label, command: ({ port }) => [server, port, file] };
  };

  const withIt = await start('weir', weir('weir', feature.weir, feature.flags), { supergraph, load });
  const without = await start('weir-without', weir('without', feature.base), {
    supergraph: plain,
    load: plainLoad,
  });
  const isSame = feature.bodies === undefined && withIt.load.headers[0]['accept-encoding'] === undefined;
  if (isSame && withIt.answer !== without.answer)
    throw new Error(`${feature.title}: Weir answers otherwise with it.`);
  // What is in front of the subgraphs records no calls.
  const { waves } = feature.front ? without : withIt;
  const options = resolve(feature.limit);
  const keptOf = ({ answer }) => (feature.isKept && !options.redis ? { kept: answer } : {});
  const script = { urls: own, waves, answer: withIt.answer, ...keptOf(withIt), ...options };
  await start('limit', limit('limit', script), { load });
  const { waves: plainWaves, answer } = without;
  const plainScript = { urls, waves: plainWaves, answer, ...(feature.isKept && { kept: answer }) };
  await start('limit-without', limit('limit-without', plainScript), { load: plainLoad });
  if (feature.apollo === undefined) return;
  const features = resolve(feature.apollo);
  const file = write('apollo.json', JSON.stringify(features));
  const { command } = findSystem('apollo');
  const apollo = { label: 'apollo', command: (files) => [...command(files), file] };
  await start('apollo', apollo, { supergraph, load });
  const isPlain = Object.keys(features).length === 0;
  for (const [label, binary] of isPlain ? values.peer.map((text) => text.split('=')) : []) {
    const peer = { label, node: binary, command: (files) => [files.port, files.supergraph] };
    await start(label, peer, { supergraph, load });
  }
}

/** Starts a system, reads its answers and the calls that it makes, and warms it up. */
async function open(
  { label, system, feature, supergraph, load: { headers, ca, ...given } },
  { replay, clients },
) {
  const running = await startSystem(system, {
    ...{ supergraph, operation: given.bodies[0], cores: [0], ca: ca && readFileSync(ca) },
    headers: { authorization: 'Bearer first', ...headers[0] },
    nodeFlags: values.profile !== undefined && label === 'weir' ? [inspectable] : [],
  });
  try {
    const load = { ...given, headers, ca, port: running.port };
    // With every answer delayed alike, the calls that do not wait for one another arrive before the first answer.
    await replay.ask({
      command: 'prepare',
      delays: Object.fromEntries(subgraphNames.map((name) => [name, 100])),
    });
    await replay.ask({ command: 'record' });
    await clients.ask({ ...load, bodies: load.bodies.slice(0, 1) });
    const waves = [];
    for (const { wave, ...call } of (await replay.ask({ command: 'recorded' })).calls)
      (waves[wave - 1] ??= []).push(call);
    await replay.ask({ command: 'prepare' });
    // A cached answer is compressed after it was first sent.
    if (feature.isKept) await pause(300);
    const { answers: expected } = await clients.ask(load);
    const text = Buffer.from(expected.at(-1), 'base64').toString();
    if (text.startsWith('HTTP/') || text.includes('"errors"'))
      throw new Error(`${feature.title}, ${label}: ${text.slice(0, 500)}`);
    // A busy machine gets fewer requests done in this time than V8 needs to see.
    const enough = (feature.workers ?? 1) * 4_000;
    for (
      let [began, warmed] = [performance.now(), 0];
      performance.now() - began < 1000 * warmUp || (warmed < enough && performance.now() - began < 20_000);
    )
      warmed += (await clients.ask({ ...load, expected, seconds: 1 })).requests;
    const settles = /traces/.test(feature.title);
    return {
      ...running,
      label,
      settles,
      waves: waves.filter(Boolean),
      answer: expected[0],
      load: { ...load, expected },
    };
  } catch (error) {
    await running.stop();
    throw new Error(`${error.message}\n${running.said().slice(-1000)}`);
  }
}

async function turn({ pid, load, label, settles }, { clients }) {
  const pids = processTree(pid);
  let before;
  const { requests, perSecond, wrong } = await clients.ask({ ...load, seconds }, ({ measuring }) => {
    if (measuring) before = scheduledSeconds(pids);
  });
  const problems = Object.entries(wrong);
  if (problems.length > 0) throw new Error(`${label}: ${problems[0].reverse().join(' × ')}`);
  // What is left is exported meanwhile.
  if (settles) await pause(2 * exportDelay);
  const cpu = ((scheduledSeconds(pids) - before) / requests) * 1e6;
  return { cpu, perSecond, megabytes: residentBytes(pids) / 1e6 };
}

async function profile(name, { said, load }, { clients }) {
  const end = await startProfile(said(), join(values.profile, `${name}.cpuprofile`));
  await clients.ask({ ...load, seconds: 4 });
  process.stderr.write(`${name}\n${await end()}\n`);
}

function row(...cells) {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}
