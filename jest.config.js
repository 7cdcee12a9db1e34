const { readdirSync, readFileSync } = require('node:fs');
const { availableParallelism } = require('node:os');
const { join } = require('node:path');
const { longSuites } = require('./test/long-suites.cjs');

/** Packages that ship only ES modules: jest cannot `require` them as Node does, so they are transformed. */
const esmOnly = ['jose', 'chokidar', 'readdirp', '@sveltejs/acorn-typescript'];
/** And those that call `import()`, which a script that jest runs cannot. */
const importing = ['@opentelemetry/exporter-trace-otlp-proto', '@opentelemetry/otlp-exporter-base'];

const here = (file) => join(__dirname, file);

/** The tests of `npm run test:long`: the long suites, and those that do only a part of what they can for each change. */
const longTests = () => [
  ...longSuites.map(here),
  ...readdirSync(here('test'), { recursive: true })
    .map((name) => here(join('test', name)))
    .filter((file) => file.endsWith('.test.ts') && readFileSync(file, 'utf8').includes('amountOf(')),
];

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: './test/support/environment.cjs',
  runtime: '<rootDir>/test/support/shared-modules.cjs',
  // The sources, too: without them `--findRelatedTests`, `--onlyChanged` and `--watch` find nothing.
  roots: ['cli', 'console', 'gateway', 'kit', 'optional-packages', 'schema', 'subgraphs', 'test'].map(
    (folder) => `<rootDir>/${folder}`,
  ),
  testMatch: process.env.WEIR_LONG ? longTests() : ['**/*.test.ts'],
  testPathIgnorePatterns: [
    // The end-to-end tests start processes, a browser and a cache server: `npm run test:e2e`, and `.ci/run`.
    ...(process.env.WEIR_E2E ? [] : ['<rootDir>/test/e2e/']),
    ...(process.env.WEIR_LONG ? [] : longSuites.map((suite) => `<rootDir>/${suite}`)),
  ],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/bench/', '<rootDir>/.stryker-tmp/'],
  transform: {
    '\\.[jt]s$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${[...esmOnly, ...importing].join('|')})/)`],
  workerIdleMemoryLimit: '1.5GB',
  // What takes a second alone takes twenty beside the lint of CI and three other test files, and longer where others work, too.
  testTimeout: 120_000,
  // Four processes on two cores: many tests wait, for slow clients and for processes, and leave half of them idle.
  maxWorkers: availableParallelism() + 2,
  testSequencer: './test/support/longest-first.cjs',
};
