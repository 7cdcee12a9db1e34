/** The directions of docs/architecture: who may import whom. Checked by `npm run lint`. */
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
      from: { path: '^subgraphs/([^/]+)/', pathNot: '^subgraphs/kit/' },
      to: { path: '^(subgraphs/(?!kit/)[^/]+|gateway|schema|cli)/', pathNot: '^subgraphs/$1/' },
    },
    {
      name: 'kit-knows-no-subgraph',
      severity: 'error',
      from: { path: '^subgraphs/kit/' },
      to: { path: '^(subgraphs/(?!kit/)|gateway/|schema/|cli/)' },
    },
    {
      name: 'gateway-stands-alone',
      comment: 'Only gateway/supergraph/ may use schema/.',
      severity: 'error',
      from: { path: '^gateway/', pathNot: '^gateway/supergraph/' },
      to: { path: '^(schema|subgraphs|cli)/' },
    },
    {
      name: 'supergraph-sources-use-schema-only',
      severity: 'error',
      from: { path: '^gateway/supergraph/' },
      to: { path: '^(subgraphs|cli)/' },
    },
    {
      name: 'schema-stands-alone',
      severity: 'error',
      from: { path: '^schema/' },
      to: { path: '^(gateway|subgraphs|cli)/' },
    },
    {
      name: 'cli-starts-subgraphs-as-processes',
      severity: 'error',
      from: { path: '^cli/' },
      to: { path: '^subgraphs/' },
    },
    {
      name: 'execution-knows-only-send',
      comment: 'No HTTP, cache, auth or environment inside the engine.',
      severity: 'error',
      from: { path: '^gateway/execution/' },
      to: {
        path: '^gateway/',
        pathNot: '^gateway/(execution/|subgraph-calls/(transport|source)\\.ts$|errors\\.ts$)',
      },
    },
    {
      name: 'options-know-nobody',
      comment: 'Everybody reads options: they read nobody.',
      severity: 'error',
      from: { path: '^gateway/options/' },
      to: { path: '^gateway/', pathNot: '^gateway/(options/|errors\\.ts$)' },
    },
    {
      name: 'telemetry-knows-nobody',
      comment: 'What is counted counts itself; types may be named.',
      severity: 'error',
      from: { path: '^gateway/telemetry/' },
      to: {
        path: '^gateway/',
        pathNot: '^gateway/(telemetry/|options/|errors\\.ts$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'planning-and-calls-know-no-request',
      severity: 'error',
      from: { path: '^gateway/(planning|subgraph-calls)/' },
      to: { path: '^gateway/(process|http|request|graph|limits)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-process-wires-a-process',
      comment: 'Rooms do not know who opens them.',
      severity: 'error',
      from: { path: '^gateway/[^/]+/', pathNot: '^gateway/process/' },
      to: { path: '^gateway/process/' },
    },
    {
      name: 'only-a-graph-is-made-of-its-parts',
      severity: 'error',
      from: { path: '^gateway/[^/]+/', pathNot: '^gateway/(graph|process|explain)/' },
      to: { path: '^gateway/graph/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nothing-loose',
      comment: 'At the top of gateway/ stand its exports and its errors; everything else has a room.',
      severity: 'error',
      from: { path: '^(gateway|cli)/' },
      to: { path: '^gateway/[^/]+\\.ts$', pathNot: '^gateway/(index|errors)\\.ts$' },
    },
    {
      name: 'sources-import-no-tests',
      severity: 'error',
      from: { path: '^(cli|gateway|schema|subgraphs)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'apollo-planner-behind-one-file',
      comment: 'Elastic-2.0: one place to replace it.',
      severity: 'error',
      from: {
        path: '^(cli|gateway|schema|subgraphs)/',
        pathNot: '^gateway/planning/(planner|defects/merged-trees)\\.ts$',
      },
      to: { path: 'node_modules/@apollo/query-(planner|graphs)' },
    },
    {
      name: 'apollo-composition-behind-one-file',
      comment: 'Elastic-2.0: one place to replace it.',
      severity: 'error',
      from: { path: '^(cli|gateway|schema|subgraphs)/', pathNot: '^schema/compose\\.ts$' },
      to: { path: 'node_modules/@apollo/composition' },
    },
    {
      name: 'no-dev-packages-in-sources',
      severity: 'error',
      from: { path: '^(cli|gateway|schema|subgraphs)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^(cli|gateway|schema|subgraphs)/', pathNot: '\\.d\\.ts$' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
