/**
 * Tests start hundreds of gateways, and each of them a thread that plans. What such a thread runs is put into one file
 * before a run, with all that V8 has compiled when it has planned once: a thread then starts with a part of the work.
 */
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

const root = join(__dirname, '../..');
const source = join(root, 'gateway/planning/worker.ts');
const folder = join(root, 'node_modules/.cache/weir-tests');
const [codeFile, cacheFile] = [join(folder, 'worker.js'), join(folder, 'worker.v8')];
const made = 'WEIR_WORKER_BUNDLE';

/** Of jest: what it says in the environment, its processes and their threads know. */
module.exports = async function bundleWorker() {
  const { outputFiles } = await require('esbuild').build({
    entryPoints: [source],
    bundle: true,
    platform: 'node',
    write: false,
    logLevel: 'error',
    plugins: [keepPlanners],
  });
  const code = outputFiles[0].text;
  const script = scriptOf(code);
  planOnce(script.runInThisContext());
  mkdirSync(folder, { recursive: true });
  write(codeFile, code);
  write(cacheFile, script.createCachedData());
  process.env[made] = '1';
};

/** The function of a module, when it is the one that is bundled. */
module.exports.readBundle = function (file) {
  if (file !== source || !process.env[made]) return undefined;
  return scriptOf(readFileSync(codeFile, 'utf8'), readFileSync(cacheFile)).runInThisContext();
};

const keepPlanners = {
  name: 'keep-planners',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/planner$/ }, ({ importer }) =>
      importer === source ? { path: join(__dirname, 'kept-planner.cjs') } : undefined,
    );
  },
};

/** What runs is compiled. @param load the function of the module, which takes this for a thread that was started. */
function planOnce(load) {
  const supergraphSdl = readFileSync(join(root, 'schema/supergraph.graphql'), 'utf8');
  let plan;
  const said = [];
  const thread = {
    workerData: { supergraphSdl },
    parentPort: { postMessage: (message) => said.push(message), on: (_, listener) => (plan = listener) },
  };
  const requireFor = (name) => (name === 'node:worker_threads' ? thread : require(name));
  load({}, requireFor, { exports: {} }, source, folder);
  plan({ document: operation, overrideLabels: [], form: 'plan', timeLimit: 10_000 });
  const { kind, reason } = said.at(-1);
  if (kind !== 'plan') throw new Error(`The bundle of what plans does not plan: ${reason}`);
}

/** Of several subgraphs. */
const operation = `query ($first: Int) {
  cart { lines { product { name shippingEstimate reviews(first: $first) { edges { node { rating author { name } } } } } } }
  search(prefix: "a") { ... on Product { inStock price } ... on Category { name } }
}`;

const scriptOf = (code, cachedData) => new Script(wrap(code), { filename: source, cachedData });

/** At once, for whoever reads it at the same time. */
function write(file, content) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, content);
  renameSync(own, file);
}
