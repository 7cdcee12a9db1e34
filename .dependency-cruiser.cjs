/** Who may import whom: the table of modules in CONTRIBUTING.md. Checked by `npm run lint`. */

/** The modules of gateway/, the lowest first: each may import those before it. */
const layers = [
  ...[
    'errors',
    'replay',
    'net',
    'options',
    'code-cache',
    'execution',
    'planning',
    'telemetry',
    'redis',
    'discovery',
  ],
  ...['usage', 'auth', 'limits', 'subgraph-calls', 'http', 'admission', 'cache', 'events', 'supergraph'],
  ...['request', 'shadow', 'extensions', 'packaged', 'explain', 'graph', 'console', 'websocket', 'mcp'],
  ...['process', 'lambda', 'index'],
];

/** What is imported against this order: of which modules, and why. */
const againstTheOrder = {
  execution: {
    'subgraph-calls': 'It sends by the contract of subgraph calls, and knows nothing else of them.',
  },
  'subgraph-calls': { cache: 'The entity cache is one of the interceptors of a call, in their order.' },
  http: { request: 'It begins requests, and its sinks are given their answers.' },
};

/** The same for types alone. */
const typesAgainstTheOrder = {
  admission: { request: 'Requests wait for slots, and are counted against rates.' },
  cache: { request: 'Cached answers are given to requests.' },
  request: { graph: 'A request is run by an operation of the graph.' },
  supergraph: { console: 'It describes supergraphs as the JSON of the console.' },
  telemetry: {
    cache: 'It reports what a cache did with an answer.',
    console: 'It counts the calls of a plan as the console shows them.',
    request: 'It logs, counts and traces requests.',
    'subgraph-calls': 'It counts what becomes of endpoints and connections.',
  },
};

const folders = (modules) => `^gateway/(${modules.join('|')})(/|\\.ts$)`;
const layerRules = layers.flatMap((module, i) => {
  const values = Object.keys(againstTheOrder[module] ?? {});
  const types = Object.keys(typesAgainstTheOrder[module] ?? {});
  const later = layers.slice(i + 1).filter((other) => !values.includes(other));
  const rule = { severity: 'error', from: { path: folders([module]) } };
  const none = later.filter((other) => !types.includes(other));
  return [
    ...(none.length > 0 ? [{ ...rule, name: `layer-of-${module}`, to: { path: folders(none) } }] : []),
    ...(types.length > 0
      ? [
          {
            ...rule,
            name: `only-types-for-${module}`,
            to: { path: folders(types), dependencyTypesNot: ['type-only'] },
          },
        ]
      : []),
  ];
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle has no first thing to read.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'subgraphs-stand-alone',
      comment: 'A subgraph meets the others over HTTP only; it may import the kit.',
      severity: 'error',
      from: { path: '^subgraphs/([^/]+)/' },
      to: { path: '^(subgraphs/[^/]+|gateway|schema|cli)/', pathNot: '^subgraphs/$1/' },
    },
    {
      name: 'kit-knows-no-subgraph',
      severity: 'error',
      from: { path: '^kit/' },
      to: { path: '^(subgraphs|gateway|schema|cli)/' },
    },
    {
      name: 'gateway-stands-alone',
      comment: 'Only gateway/supergraph/ may use schema/; all may use how it reads a supergraph.',
      severity: 'error',
      from: { path: '^gateway/', pathNot: '^gateway/supergraph/' },
      to: { path: '^(schema|kit|subgraphs|cli)/', pathNot: '^schema/supergraph/' },
    },
    {
      name: 'supergraph-sources-use-schema-only',
      severity: 'error',
      from: { path: '^gateway/supergraph/' },
      to: { path: '^(kit|subgraphs|cli)/' },
    },
    {
      name: 'optional-packages-know-nobody',
      comment: 'All may use them.',
      severity: 'error',
      from: { path: '^optional-packages/' },
      to: { path: '^(subgraphs|gateway|schema|cli|kit|console)/' },
    },
    {
      name: 'schema-stands-alone',
      severity: 'error',
      from: { path: '^schema/' },
      to: { path: '^(gateway|kit|subgraphs|cli)/' },
    },
    {
      name: 'the-supergraph-reader-knows-nobody',
      comment: 'The gateway reads supergraphs with it, and composition is none of its parts.',
      severity: 'error',
      from: { path: '^schema/supergraph/' },
      to: { path: '^(schema/(?!supergraph/)|gateway|kit|subgraphs|cli)/|node_modules/@apollo/' },
    },
    {
      name: 'cli-starts-subgraphs-as-processes',
      comment: 'It reads what they declare as JSON, whose types it shares with the kit.',
      severity: 'error',
      from: { path: '^cli/' },
      to: { path: '^(kit|subgraphs)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'execution-knows-only-send',
      comment: 'No HTTP, cache, auth or environment inside the engine.',
      severity: 'error',
      from: { path: '^gateway/execution/' },
      to: {
        path: '^gateway/',
        pathNot: '^gateway/(execution/|subgraph-calls/contract/|errors\\.ts$)',
      },
    },
    {
      name: 'a-program-knows-no-run',
      comment: 'Compiling makes data (execution/program.ts), which is run, and then completed.',
      severity: 'error',
      from: { path: '^gateway/execution/(compile|json)/' },
      to: { path: '^gateway/execution/(run|complete|execute)' },
    },
    {
      name: 'running-knows-no-completion',
      severity: 'error',
      from: { path: '^gateway/execution/run/' },
      to: { path: '^gateway/execution/(complete|execute)' },
    },
    ...layerRules,
    {
      name: 'nothing-loose',
      comment: 'At the top of gateway/ stand its exports and its errors; everything else has a room.',
      severity: 'error',
      from: { path: '^(gateway|cli)/' },
      to: { path: '^gateway/[^/]+\\.ts$', pathNot: '^gateway/(index|errors)\\.ts$' },
    },
    {
      name: 'the-console-is-a-page',
      comment: 'It runs in browsers, and shares only the types of its JSON with the gateway.',
      severity: 'error',
      from: { path: '^console/' },
      to: { path: '^(cli|gateway|kit|schema|subgraphs)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-imports-the-console',
      severity: 'error',
      from: { path: '^(cli|gateway|kit|optional-packages|schema|subgraphs)/' },
      to: { path: '^console/' },
    },
    {
      name: 'sources-import-no-tests',
      severity: 'error',
      from: { path: '^(cli|console|gateway|kit|optional-packages|schema|subgraphs)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'no-apollo-planner',
      comment: 'Elastic-2.0: tests alone compare with it.',
      severity: 'error',
      from: { path: '^(cli|gateway|kit|optional-packages|schema|subgraphs)/' },
      to: { path: 'node_modules/@apollo/query-(planner|graphs)' },
    },
    {
      name: 'apollo-composition-behind-one-file',
      comment: 'Elastic-2.0: one place to replace it.',
      severity: 'error',
      from: {
        path: '^(cli|gateway|kit|optional-packages|schema|subgraphs)/',
        pathNot: '^schema/composition/compose\\.ts$',
      },
      to: { path: 'node_modules/@apollo/composition' },
    },
    {
      name: 'composition-is-loaded-when-something-is-composed',
      comment:
        'An installation may be without what is Elastic-2.0: only schema/composition/composer.ts loads what imports it.',
      severity: 'error',
      from: {
        path: '^(cli|gateway|kit|optional-packages|schema|subgraphs)/',
        pathNot:
          '^schema/composition/(compose|one-of|contract|contract-filter|executable-subgraph|recovered-subgraphs)\\.ts$',
      },
      to: {
        path: 'node_modules/@apollo/federation-internals|^schema/composition/(compose|one-of|contract|contract-filter|executable-subgraph|recovered-subgraphs)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-dev-packages-in-sources',
      comment: 'A bundle.mjs is run by the build alone. Optional peers are development packages, too.',
      severity: 'error',
      from: { path: '^(cli|gateway|kit|optional-packages|schema|subgraphs)/', pathNot: '/bundle\\.mjs$' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm-peer', 'type-only'],
      },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        path: '^(cli|console|gateway|kit|optional-packages|schema|subgraphs)/',
        pathNot: '\\.(d\\.ts|mjs)$',
      },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
