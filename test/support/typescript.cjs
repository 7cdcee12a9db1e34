/** Lets a worker thread load the sources: jest compiles for its own threads only. Used with `--require`. */
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    module: { type: 'commonjs' },
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    sourceMaps: 'inline',
    swcrc: false,
  });
  module._compile(code, filename);
};
