/**
 * The suites that `npm test` and `.ci/run` leave to `npm run test:long`, as a cheaper one that they run proves most of what
 * these prove. `.ci/run --since COMMIT` also runs those whose sources have changed since.
 *
 * `node test/long-suites.cjs COMMIT` prints these, one a line.
 */
const { execFileSync } = require('node:child_process');
const { join } = require('node:path');

const root = join(__dirname, '..');

/** `sources` are folders and files, from the root of the checkout. */
const groups = [
  {
    why: 'they repeat suites of HTTP through Lambda: `contracts/sink` holds every way in to the same answers, and `integration/lambda` tests the rest',
    suites: [
      'test/integration/lambda-apollo-integrations.test.ts',
      'test/integration/lambda-conformance.test.ts',
    ],
    sources: ['gateway/lambda'],
  },
  {
    why: 'it counts requests beside plans of Apollo, which is no question of right answers: `unit/gateway/explain/plan-costs` and `differential/planner-traps` hold the calls of some operations',
    suites: ['test/differential/apollo-calls.test.ts'],
    sources: ['gateway/planning', 'gateway/execution/compile'],
  },
  {
    why: 'npm fetches the public suites of the Model Context Protocol: `integration/mcp` and `integration/mcp-clients` hold wrong messages, and the official clients',
    suites: ['test/e2e/mcp-conformance.test.ts'],
    sources: ['gateway/mcp'],
  },
  {
    why: 'it repeats in a browser what `integration/{stream-clients,websocket-clients,amplify}` do with the same client libraries in Node',
    suites: ['test/e2e/streams-browser.test.ts'],
    sources: ['gateway/http', 'gateway/websocket'],
  },
  {
    why: 'they kill at more points what `e2e/{workflows,consumers,store}-killed`, `unit/kit/events/log/relay` and the contracts of stores kill or end once',
    suites: [
      'test/integration/orders-killed.test.ts',
      'test/integration/registry-killed.test.ts',
      'test/integration/relay-killed.test.ts',
    ],
    sources: [
      'schema/store',
      'kit/events',
      'kit/workflows',
      'subgraphs/orders',
      'subgraphs/inventory',
      'subgraphs/payments',
    ],
  },
  {
    why: 'long random runs: `attack-*` send the inputs that were found this way',
    suites: ['test/integration/fuzz-gateway.test.ts'],
    sources: ['gateway/http', 'gateway/request', 'gateway/options', 'gateway/supergraph'],
  },
  {
    why: 'they watch memory and times over many entries and rounds; unit tests hold each bound with few',
    suites: [
      'test/contracts/cache-store-load.test.ts',
      'test/e2e/attack-memory.test.ts',
      'test/e2e/registry-swaps.test.ts',
      'test/integration/operation-memory.test.ts',
      'test/unit/gateway/graph/operation-sizes.test.ts',
    ],
    sources: ['gateway/cache/stores', 'gateway/execution/size.ts', 'gateway/graph', 'gateway/planning'],
  },
  {
    why: 'it counts the calls of Apollo Gateway, too: `integration/shop-fetch-budget` holds those of Weir',
    suites: ['test/integration/shop-calls-against-apollo.test.ts'],
    sources: ['gateway/planning', 'gateway/subgraph-calls/interceptors'],
  },
  {
    why: 'they start a process for each edit of a checkout or flag of V8, which every start of the tests and of Weir uses once',
    suites: ['test/integration/setup.test.ts', 'test/unit/cli/gateway/v8-flags.test.ts'],
    sources: [
      'setup.mjs',
      'bundle.mjs',
      'console/build.mjs',
      'cli/gateway/v8-flags.ts',
      'cli/gateway/compile-cache.ts',
    ],
  },
  {
    why: 'it fetches the whole OpenAPI documents of Stripe and GitHub: `unit/schema/composition/openapi/known-documents` has reduced ones',
    suites: ['test/integration/openapi-documents.test.ts'],
    sources: ['schema/composition/openapi'],
  },
  {
    why: 'it loses and brings back whole tables; `unit/cli/recovery` tests each step',
    suites: ['test/integration/rehearse-recovery.test.ts'],
    sources: ['cli/recovery', 'cli/commands/rehearse-recovery.ts', 'kit/recovery'],
  },
];

/** Paths from the root. */
const longSuites = groups.flatMap(({ suites }) => suites);

/** Those with a source, or a test, among the files. */
const suitesTouchedBy = (files) =>
  groups
    .filter(({ suites, sources }) =>
      files.some(
        (file) =>
          suites.includes(file) || sources.some((source) => file === source || file.startsWith(`${source}/`)),
      ),
    )
    .flatMap(({ suites }) => suites);

module.exports = { groups, longSuites, suitesTouchedBy };

if (require.main === module) {
  const changed = execFileSync('git', ['diff', '--name-only', process.argv[2]], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const suite of suitesTouchedBy(changed.trim().split('\n'))) console.log(suite);
}
