const { AsyncLocalStorage } = require('node:async_hooks');
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');
const compileOnce = require('./compiled-once.cjs');

compileOnce();

/**
 * Those that the test file has used; jest makes one for each file. Node 20 asks all that were ever used about each promise
 * and timer that is made: 30 of them make a promise twenty times as dear, and a process runs a hundred files.
 */
const storages = new Set();
const { _enable: enable } = AsyncLocalStorage.prototype;
if (enable !== undefined)
  AsyncLocalStorage.prototype._enable = function () {
    if (!this.enabled) storages.add(this);
    enable.call(this);
  };

/**
 * Jest's environment for Node, with an ordinary global object. Jest's own is a proxy, which every use of `Map`, `Error` or
 * `process` asks: that takes thirty times as long, and tests that compute much a fifth longer.
 */
module.exports = class extends TestEnvironment {
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
    for (const storage of storages) storage.disable();
    storages.clear();
    await super.teardown();
  }
};
