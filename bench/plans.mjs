/**
 * `node bench/plans.mjs [--rounds N]`: what does planning cost, and do hostile operations end soon, in short slices?
 *
 * It plans in its own process, with what was built last. Times of plans are medians after a warm-up; those of hostile
 * operations are CPU times of the first run, with the parsing of the operation. Fails when a figure is over its bound.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { workloads } from './fixture/workloads.mjs';
import { hostileOperations, largeSupergraph, randomOperations } from './lib/hostile-operations.mjs';

const require = createRequire(import.meta.url);
const { parse } = require('graphql');
const { defaultBudget, longestSlice, Steps } = require('../dist/gateway/planning/budget.js');
const { planOperation } = require('../dist/gateway/planning/plan-operation.js');
const { readSupergraph } = require('../dist/gateway/planning/supergraph-facts.js');
const { indexOf } = require('../dist/gateway/planning/supergraph-index/read-supergraph.js');
const { Features } = require('../dist/schema/supergraph/features.js');

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, cold: { type: 'boolean' } },
});
const rounds = Number(values.rounds);
const textOf = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const shop = textOf('../schema/supergraph.graphql');
const shopOperations = [
  '{ product(upc: "1") { name inStock ratingSummary { count } shippingEstimate } viewer { orders { edges { node { status } } } } }',
  'subscription { reviewAdded { body product { name inStock } } }',
  'mutation { updateProfile(input: { name: "a" }) { name } }',
];

/** Runs work until it ends. `slices` are the CPU milliseconds of each slice, those of collecting garbage included. */
function run(work, steps) {
  const slices = [];
  for (;;) {
    const began = performance.now();
    const before = process.cpuUsage();
    steps?.beginSlice(longestSlice);
    let next;
    // What reads a supergraph yields more often than a slice is over.
    do next = work.next();
    while (!next.done && steps === undefined && performance.now() - began < longestSlice);
    const { user, system } = process.cpuUsage(before);
    slices.push((user + system) / 1000);
    if (next.done) return { result: next.value, slices };
  }
}

const planOf = (operation, index, budget = defaultBudget) => {
  const steps = new Steps(budget);
  return run(
    (function* () {
      return yield* planOperation({ document: parse(operation, { noLocation: true }) }, index, steps);
    })(),
    steps,
  );
};

const read = (sdl) => run(readSupergraph(sdl, {}));

/** CPU milliseconds and megabytes of the index alone. */
function costOfIndex(sdl) {
  const document = parse(sdl, { noLocation: true });
  const before = heap();
  const { cpu, result } = cpuOf(() => run(indexOf(document, new Features(document))));
  return { cpu, memory: heap() - before, types: result.types.size };
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
  let result;
  try {
    result = task();
  } catch (error) {
    result = { error };
  }
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
figure('index of the shop, cold', cold.cpu, 40, 'ms');
figure('index of the shop', cold.memory, 1, 'MB');

const large = largeSupergraph(3000, 100);
const ofLarge = costOfIndex(large);
figure('index of 3,000 types in 100 subgraphs', ofLarge.cpu, 200, 'ms');
if (global.gc) figure('index of 3,000 types in 100 subgraphs', ofLarge.memory, 20, 'MB');
figure('reading these: longest slice', Math.max(...read(large).slices), 10, 'ms');

const times = randomOperations(259).map((operation) => cpuOf(() => planOf(operation, bench)).cpu);
figure('259 random large operations, p99', quantile(times, 0.99), 5, 'ms');

for (const { name, sdl, operation } of hostileOperations()) {
  const { index: hostile } = read(sdl).result;
  const { cpu, error, result, slices = [] } = cpuOf(() => planOf(operation, hostile));
  // Another time: what is collected before takes compiled code with it.
  const before = heap();
  cpuOf(() => planOf(operation, hostile));
  const memory = process.memoryUsage().heapUsed / 1e6 - before;
  const size = Buffer.byteLength(operation);
  const ending = error ? error.message : `${JSON.stringify(result).split('"Fetch"').length - 1} fetches`;
  console.log(`${name} (${size} bytes): ${ending}`);
  figure('  CPU', cpu, 300, 'ms');
  if (slices.length > 0) figure('  longest slice', Math.max(...slices), 10, 'ms');
  if (global.gc) figure('  memory', memory, 32, 'MB');
}

if (problems.length > 0) {
  console.error(`Over the bound: ${problems.join('; ')}`);
  process.exitCode = 1;
}
