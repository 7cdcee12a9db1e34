/**
 * `node bench/cold-start.mjs [--rounds 7] [--node 20,24] [--unknown] [--json]`: what does the first answer of a function of AWS
 * Lambda cost?
 *
 * Weir as `weir package gateway` writes it, and Apollo Server with Apollo Gateway (`@as-integrations/aws-lambda`), bundled by
 * the same bundler. Each round starts a process of each, with the flags of Node that Lambda gives a function of 1,024 MB. It
 * opens the gateway, answers an operation that takes one call of a subgraph, and then many more. Times count from the
 * start of the process, Node's own start included.
 *
 * Ends with exit code 1 if a package of Weir is over the bounds below.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { median } from './lib/median.mjs';
import { findNode } from './lib/nodes.mjs';
import { withHelpers } from './lib/own-bench.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    /** Versions or binaries of Node, which package and run. */
    node: { type: 'string', default: process.execPath },
    /** The package has no plan of the operation: the gateway must validate, plan and compile it. */
    unknown: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/** Milliseconds, MB and threads that a package of Weir must stay within. */
const bounds = { cpu: values.unknown ? 450 : 400, memory: 130, threads: 0, overhead: 2 };
const flags = ['--expose-gc', '--max-semi-space-size=51', '--max-old-space-size=922', '--enable-source-maps'];
const { operation } = workloads.tiny;
const event = JSON.stringify({
  version: '2.0',
  routeKey: '$default',
  rawPath: '/graphql',
  rawQueryString: '',
  headers: { 'content-type': 'application/json' },
  requestContext: { http: { method: 'POST', path: '/graphql', sourceIp: '192.0.2.1' }, stage: '$default' },
  body: JSON.stringify(operation),
  isBase64Encoded: false,
});

await withHelpers(async ({ folder, urls, replay }) => {
  await replay.ask({ command: 'prepare' });
  const apollo = await bundleApollo(folder, urls);
  const entries = values.node.split(',').flatMap((name) => {
    const node = findNode(name);
    return [
      { name: `weir, Node ${node.version}`, node, entry: packageWeir(folder, urls, node), bounds },
      { name: `apollo, Node ${node.version}`, node, entry: apollo },
    ].map((each) => ({ ...each, runs: [] }));
  });
  for (let round = 0; round < Number(values.rounds); round += 1) {
    // Whoever is first in a round is last in the next one.
    for (const each of round % 2 === 0 ? entries : entries.toReversed())
      each.runs.push(runOnce(each, urls.accounts));
    process.stderr.write(`round ${round + 1} of ${values.rounds}\n`);
  }
  tell(entries.map(({ runs, ...each }) => ({ ...each, figures: mediansOf(runs) })));
});

function packageWeir(folder, urls, node) {
  const own = join(folder, node.version);
  mkdirSync(own);
  writeFileSync(join(own, 'supergraph.graphql'), supergraphSdl(urls));
  writeFileSync(
    join(own, 'operations.json'),
    JSON.stringify(values.unknown ? {} : { tiny: operation.query }),
  );
  const config = join(own, 'weir.yaml');
  const options = {
    ...{ supergraph: 'supergraph.graphql', persistedOperations: { manifest: 'operations.json' } },
    ...{ lambda: { perInstance: true }, logging: { level: 'error' } },
  };
  writeFileSync(config, JSON.stringify(options));
  const weir = fileURLToPath(new URL('../cli/weir.mjs', import.meta.url));
  const out = join(own, 'package');
  execFileSync(node.path, [weir, 'package', 'gateway', '--config', config, '--out', out]);
  return join(out, 'code', 'index.mjs');
}

async function bundleApollo(folder, urls) {
  const outfile = join(folder, 'apollo.cjs');
  const supergraph = {
    name: 'supergraph',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^supergraph\.graphql$/ }, ({ path }) => ({ path, namespace: 'own' }));
      onLoad({ filter: /./, namespace: 'own' }, () => ({ contents: supergraphSdl(urls), loader: 'text' }));
    },
  };
  await build({
    entryPoints: [fileURLToPath(new URL('servers/apollo-lambda.mjs', import.meta.url))],
    outfile,
    ...{ bundle: true, platform: 'node', format: 'cjs', minify: true, keepNames: true },
    plugins: [supergraph],
  });
  return outfile;
}

function runOnce({ name, node, entry }, subgraph) {
  const script = fileURLToPath(new URL('lib/cold-process.mjs', import.meta.url));
  const env = { ...process.env, NODE_ENV: 'production' };
  const args = ['-c', '0', node.path, ...flags, script, entry, event, subgraph];
  const { status, body, ...run } = JSON.parse(execFileSync('taskset', args, { env, encoding: 'utf8' }));
  if (status !== 200 || JSON.parse(body).data?.me?.name === undefined) throw new Error(`${name}: ${body}`);
  return run;
}

function mediansOf(runs) {
  return Object.fromEntries(Object.keys(runs[0]).map((key) => [key, median(runs.map((run) => run[key]))]));
}

function tell(results) {
  for (const { name, figures } of results) {
    const { cpu, wall, memory, threads, overhead } = figures;
    const sentence =
      `${name}: the first answer after ${cpu.toFixed(0)} ms of CPU time and ${wall.toFixed(0)} ms, with ` +
      `${memory.toFixed(0)} MB and ${threads} threads; then ${overhead.toFixed(2)} ms of CPU time an event, beside the call`;
    process.stdout.write(`${values.json ? JSON.stringify({ name, ...figures }) : sentence}\n`);
  }
  for (const { name, figures, bounds: most = {} } of results)
    for (const [key, bound] of Object.entries(most))
      if (figures[key] > bound) {
        process.stderr.write(`${name}: ${key} is ${figures[key]}, over its bound of ${bound}\n`);
        process.exitCode = 1;
      }
}
