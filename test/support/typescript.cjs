// `node -r THIS file.ts` runs a source file, so that tests of processes need no build.
const { dirname } = require('node:path');
const { readBundle } = require('./worker-bundle.cjs');

require.extensions['.ts'] = (module, file) => {
  const bundle = readBundle(file);
  if (bundle) return void bundle(module.exports, require, module, file, dirname(file));
  const { transformFileSync } = require('@swc/core');
  const { code } = transformFileSync(file, {
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs', ignoreDynamic: true },
    sourceMaps: 'inline',
  });
  module._compile(code, file);
};
