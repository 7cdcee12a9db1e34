const { AsyncLocalStorage } = require('node:async_hooks');
const vm = require('node:vm');
const { ModernFakeTimers } = require('@jest/fake-timers');
const { TestEnvironment } = require('jest-environment-node');
const { ModuleMocker } = require('jest-mock');
const compileOnce = require('./compiled-once.cjs');
const { sharesModules } = require('./shared-modules.cjs');

compileOnce();

/**
 * Those that the test file has used. Node 20 asks all that were ever used about each promise and timer that is made: 30 of
 * them make a promise twenty times as dear, and a process runs a hundred files.
 */
const storages = new Set();
const { _enable: enable } = AsyncLocalStorage.prototype;
if (enable !== undefined)
  AsyncLocalStorage.prototype._enable = function () {
    if (!this.enabled) storages.add(this);
    enable.call(this);
  };

function disableStorages() {
  for (const storage of storages) storage.disable();
  storages.clear();
}

/**
 * Of test files that share modules: one global object for all of them, as they have to agree with the modules on what an
 * `Error` is. What a file adds to it and to the variables of the environment, and its spies, end with the file.
 */
class SharedEnvironment {
  constructor({ projectConfig }) {
    this.global = globalThis;
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimers = null;
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
    this.keys = new Set(Reflect.ownKeys(globalThis));
    this.variables = { ...process.env };
    this.exit = process.exit;
    this.stackTraceLimit = Error.stackTraceLimit;
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    this.moduleMocker.restoreAllMocks();
    process.exit = this.exit;
    Error.stackTraceLimit = this.stackTraceLimit;
    for (const key of Reflect.ownKeys(globalThis))
      if (!this.keys.has(key)) Reflect.deleteProperty(globalThis, key);
    for (const name of Object.keys(process.env)) if (!(name in this.variables)) delete process.env[name];
    Object.assign(process.env, this.variables);
    disableStorages();
  }

  getVmContext() {
    return globalThis;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }
}

/**
 * Of a test file with modules of its own: jest's environment for Node, with an ordinary global object. Jest's own is a proxy,
 * which every use of `Map`, `Error` or `process` asks: that takes thirty times as long.
 */
class OwnEnvironment extends TestEnvironment {
  constructor(...given) {
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(...given);
    } finally {
      vm.createContext = createContext;
    }
  }

  async teardown() {
    disableStorages();
    await super.teardown();
  }
}

module.exports = class {
  constructor(config, context) {
    const Environment = sharesModules(context.testPath, config.globalConfig)
      ? SharedEnvironment
      : OwnEnvironment;
    return new Environment(config, context);
  }
};
module.exports.OwnEnvironment = OwnEnvironment;
