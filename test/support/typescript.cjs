// `node -r THIS file.ts` runs a source file, so that tests of processes need no build. What a file is compiled to is kept for
// the next process.
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const folder = join(__dirname, '../../node_modules/.cache/weir-tests/compiled');
mkdirSync(folder, { recursive: true });

/** By file. */
const maps = new Map();

/** The file with the source map of a file that was loaded. */
exports.mapOf = (file) => maps.get(file);

require.extensions['.ts'] = (module, file) => {
  module._compile(compiled(file), file);
};

function compiled(file) {
  const source = readFileSync(file, 'utf8');
  // The path is in the source map, and imports are relative to it.
  const kept = join(folder, createHash('sha1').update(file).update(source).digest('hex'));
  maps.set(file, `${kept}.map`);
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    const { transformSync } = require('@swc/core');
    const { code, map } = transformSync(source, {
      filename: file,
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      module: { type: 'commonjs', ignoreDynamic: true },
      sourceMaps: true,
    });
    keep(`${kept}.map`, map);
    keep(kept, code);
    return code;
  }
}

/** At once, for whoever reads it at the same time. */
function keep(file, text) {
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}
