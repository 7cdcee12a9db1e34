/**
 * `node --expose-gc bench/plans.mjs [--rounds N]`: what does planning cost, and do hostile operations end soon, in short
 * slices?
 *
 * It plans in its own process, with what was built last. Times of plans are medians of N rounds (by default 2,000), after as
 * many to warm up. Hostile operations are planned once, with the parsing of their text: of these it prints the processor time
 * of the whole process, threads that collect garbage or compile included, and the longest slice of the main thread. Fails
 * when a figure is over its bound.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { workloads } from './fixture/workloads.mjs';
import { hostileOperations, largeSupergraph, randomOperations } from './lib/hostile-operations.mjs';

const require = createRequire(import.meta.url);
const { parse } = require('graphql');
const { setServingFlags } = require('../dist/cli/gateway/v8-flags.js');
const { longestSlice } = require('../dist/gateway/net/slice.js');
const { defaultBudget, StepCount } = require('../dist/gateway/planning/budget.js');
const { planOperation } = require('../dist/gateway/planning/plan-operation.js');
const { readSupergraph } = require('../dist/gateway/planning/supergraph-facts.js');
const { indexOf } = require('../dist/gateway/planning/supergraph-index/read-supergraph.js');
const { Features } = require('../dist/schema/supergraph/features.js');

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '2000' }, cold: { type: 'boolean' } },
});
const rounds = Number(values.rounds);
const textOf = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const shop = textOf('../schema/supergraph.graphql');
const shopOperations = [
  '{ product(upc: "1") { name inStock ratingSummary { count } shippingEstimate } viewer { orders { edges { node { status } } } } }',
  'subscription { reviewAdded { body product { name inStock } } }',
  'mutation { updateProfile(input: { name: "a" }) { name } }',
];

// As in a gateway: a pause of the garbage collector is as long as its young generation is large.
setServingFlags();

/** When garbage was collected on the main thread, and for how long. Known a turn later. */
const collections = [];
new PerformanceObserver((list) => collections.push(...list.getEntries())).observe({ entryTypes: ['gc'] });

/**
 * Runs work until it ends. Each slice has the milliseconds of the main thread, at most: neither other processes count, nor
 * the threads of this one.
 */
function run(work, steps) {
  const slices = [];
  for (;;) {
    const began = performance.now();
    const before = process.cpuUsage();
    steps?.slice.begin();
    let next;
    try {
      // What reads a supergraph yields more often than a slice is over.
      do next = work.next();
      while (!next.done && steps === undefined && performance.now() - began < longestSlice);
    } catch (error) {
      next = { done: true, value: undefined, error };
    }
    const { user, system } = process.cpuUsage(before);
    const ended = performance.now();
    slices.push({ began, ended, time: Math.min(ended - began, (user + system) / 1000) });
    if (next.done) return { result: next.value, error: next.error, slices };
  }
}

const timeOf = ({ slices }) => slices.reduce((sum, { time }) => sum + time, 0);

async function figureOfSlices(name, slices) {
  await wait(20);
  const longest = slices.reduce((one, other) => (other.time > one.time ? other : one));
  let collecting = 0;
  for (const { startTime, duration } of collections)
    if (startTime >= longest.began && startTime < longest.ended) collecting += duration;
  figure(`${name}${collecting > 0 ? ` (garbage: ${collecting.toFixed(1)})` : ''}`, longest.time, 10, 'ms');
}

const planOf = (operation, index, budget = defaultBudget) => {
  const steps = new StepCount(budget);
  const began = performance.now();
  const document = parse(operation, { noLocation: true });
  const parsing = performance.now() - began;
  return { parsing, ...run(planOperation({ document }, index, steps), steps) };
};

const read = (sdl) => run(readSupergraph(sdl, {}));

/** Milliseconds of the main thread, and megabytes, of the index alone. */
function costOfIndex(sdl) {
  const document = parse(sdl, { noLocation: true });
  const before = heap();
  const ran = run(indexOf(document, new Features(document)));
  return { time: timeOf(ran), memory: heap() - before, types: ran.result.types.size };
}

const heap = () => (global.gc?.(), process.memoryUsage().heapUsed / 1e6);
const quantile = (times, part) =>
  times.sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * part))];

function median(task) {
  const times = [];
  for (let i = 0; i < rounds * 2; i++) {
    const began = performance.now();
    task();
    if (i >= rounds) times.push(performance.now() - began);
  }
  return quantile(times, 0.5);
}

function cpuOf(task) {
  const before = process.cpuUsage();
  const result = task();
  const { user, system } = process.cpuUsage(before);
  return { ...result, cpu: (user + system) / 1000 };
}

if (values.cold) {
  console.log(JSON.stringify(costOfIndex(shop)));
  process.exit();
}

const problems = [];
function figure(name, value, bound, unit) {
  console.log(`${name.padEnd(52)} ${value.toFixed(2).padStart(9)} ${unit.padEnd(3)} (${bound})`);
  if (value > bound) problems.push(name);
}

const bench = read(textOf('fixture/supergraph.graphql')).result.index;
figure(
  'nested',
  median(() => planOf(workloads.nested.operation.query, bench)),
  0.5,
  'ms',
);
const { index } = read(shop).result;
for (const operation of shopOperations)
  figure(
    operation.slice(0, 50),
    median(() => planOf(operation, index)),
    0.4,
    'ms',
  );

const here = fileURLToPath(import.meta.url);
const cold = JSON.parse(
  spawnSync(process.execPath, ['--expose-gc', here, '--cold'], { encoding: 'utf8' }).stdout,
);
figure('index of the shop, cold', cold.time, 40, 'ms');
figure('index of the shop', cold.memory, 1, 'MB');

const large = largeSupergraph(3000, 100);
const ofLarge = costOfIndex(large);
figure('index of 3,000 types in 100 subgraphs', ofLarge.time, 200, 'ms');
if (global.gc) figure('index of 3,000 types in 100 subgraphs', ofLarge.memory, 20, 'MB');
await figureOfSlices('reading these: longest slice', read(large).slices);

const random = randomOperations(259).map((operation) => ({ operation, times: [] }));
for (let round = 0; round < 8; round++)
  for (const { operation, times } of random) {
    const planned = planOf(operation, bench);
    times.push(planned.parsing + timeOf(planned));
  }
const firsts = random.map(({ times }) => times.shift());
console.log(
  `259 random large operations, each for the first time: p99 ${quantile(firsts, 0.99).toFixed(2)} ms`,
);
const medians = random.map(({ times }) => quantile(times, 0.5));
figure('259 random large operations, p99 of their medians', quantile(medians, 0.99), 5, 'ms');

for (const { name, sdl, operation } of hostileOperations()) {
  const { index: hostile } = read(sdl).result;
  const { cpu, error, parsing, result, slices } = cpuOf(() => planOf(operation, hostile));
  // Another time: what is collected before takes compiled code with it.
  const before = heap();
  cpuOf(() => planOf(operation, hostile));
  const memory = process.memoryUsage().heapUsed / 1e6 - before;
  const size = Buffer.byteLength(operation);
  const ending = error ? error.message : `${JSON.stringify(result).split('"Fetch"').length - 1} fetches`;
  console.log(`${name} (${size} bytes): ${ending}`);
  figure('  CPU', cpu, 300, 'ms');
  console.log(`  parsing of the text, at once: ${parsing.toFixed(2)} ms`);
  await figureOfSlices('  longest slice', slices);
  if (global.gc) figure('  memory', memory, 32, 'MB');
}

if (problems.length > 0) {
  console.error(`Over the bound: ${problems.join('; ')}`);
  process.exitCode = 1;
}
