const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');
const compileOnce = require('./compiled-once.cjs');
const keepThreads = require('./kept-threads.cjs');

compileOnce();
keepThreads();

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
};
