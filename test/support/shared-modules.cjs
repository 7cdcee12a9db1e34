const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join, sep } = require('node:path');
const { default: Runtime } = require('jest-runtime');
const { mapOf } = require('./typescript.cjs');

const root = join(__dirname, '../..');
const packages = join(root, 'node_modules') + sep;
const sources = ['cli', 'console', 'gateway', 'kit', 'optional-packages', 'schema', 'subgraphs'].map(
  (folder) => join(root, folder) + sep,
);

/** What is in the text of a test file that gets modules of its own, and a global object: it replaces modules or the clock. */
const needsOwn =
  /\bjest\.(doMock|isolateModules|mock|resetModules|unstable_)|\buseFakeTimers\b|\/(fake-timers'|suite-environment\b)|@own-modules\b/;

/**
 * Jest's loader of modules, but sources and packages are loaded by Node, once for all test files of a process: with jest, each
 * file loads and compiles the gateway anew, and then runs it cold. A test file that replaces modules or the clock has modules
 * of its own, as has one with `@own-modules` in a comment, and all have where sources change meanwhile or are counted.
 */
class SharingRuntime extends Runtime {
  #shares;

  constructor(config, environment, resolver, transformer, cacheFS, coverage, testPath, globalConfig) {
    super(config, environment, resolver, transformer, cacheFS, coverage, testPath, globalConfig);
    this.#shares = sharesModules(testPath, globalConfig);
  }

  requireModuleOrMock(from, name) {
    const load = createRequire(from);
    return this.#shares && isShared(load, name) ? load(name) : super.requireModuleOrMock(from, name);
  }

  /** Of the files that Node has loaded, too. */
  getSourceMaps() {
    const maps = super.getSourceMaps();
    return { get: (file) => maps.get(file) ?? mapOf(file), [Symbol.iterator]: () => maps[Symbol.iterator]() };
  }
}

function sharesModules(testPath, { watch, watchAll, collectCoverage }) {
  // What Stryker changes while a module loads would stay for its next runs.
  const isMutated = process.env['STRYKER_MUTATOR_WORKER'] !== undefined;
  if (watch || watchAll || collectCoverage || isMutated) return false;
  return !needsOwn.test(readFileSync(testPath, 'utf8'));
}

function isShared(load, name) {
  let file;
  try {
    file = load.resolve(name);
  } catch {
    return false;
  }
  if (!file.startsWith(packages)) return sources.some((folder) => file.startsWith(folder));
  // Those of jest know the test file that loads them.
  return !/^(@jest\/|jest|expect)/.test(file.slice(packages.length));
}

module.exports = SharingRuntime;
module.exports.sharesModules = sharesModules;
