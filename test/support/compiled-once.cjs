const vm = require('node:vm');

const { compileFunction } = vm;
/** By file. */
const scripts = new Map();

/**
 * Has each process compile a module once. Jest compiles it again for every test file that loads it: V8 recalls no function
 * that is compiled by itself, and no script with a callback for `import()`, which jest cannot serve without modules of `vm`
 * anyway. So a module is a script here that gives the function: to load the gateway once more takes 0.3 s in place of 0.7.
 */
module.exports = function compileOnce() {
  vm.compileFunction = (code, parameters, { filename, parsingContext, ...others }) => {
    if (parsingContext === undefined) return compileFunction(code, parameters, { filename, ...others });
    let known = scripts.get(filename);
    if (known?.code !== code) {
      const head = `(function (${parameters.join(', ')}) {`;
      const script = new vm.Script(`${head}${code}\n})`, { filename, columnOffset: -head.length });
      known = { code, script };
      // A test file runs once in a process.
      if (!filename.endsWith('.test.ts')) scripts.set(filename, known);
    }
    const { script } = known;
    return parsingContext === globalThis ? script.runInThisContext() : script.runInContext(parsingContext);
  };
};
