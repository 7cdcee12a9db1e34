import jest from './jest.config.js';

// Every mutant loads all of these files, so a run over one folder names the tests of that folder.
const tests = (process.env.WEIR_MUTATION_TESTS ?? 'test/unit test/contracts').split(' ');

export default {
  testRunner: 'jest',
  coverageAnalysis: 'perTest',
  jest: {
    // Looking for the tests that a file concerns takes longer than running those that are named.
    enableFindRelatedTests: false,
    config: {
      ...jest,
      testMatch: tests.map((path) => `<rootDir>/${path}${path.endsWith('.ts') ? '' : '/**/*.test.ts'}`),
    },
  },
  // Tests do not hold messages and logs to the letter. What a text decides is mutated where it is compared.
  mutator: { excludedMutations: ['StringLiteral'] },
  concurrency: 1,
  timeoutMS: 10_000,
  ignorePatterns: ['dist', 'bench', 'docs', '.weir', 'coverage'],
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { reportTests: false, skipFull: true },
  jsonReporter: { fileName: 'coverage/mutation.json' },
  allowConsoleColors: false,
};
