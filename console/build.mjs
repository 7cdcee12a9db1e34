// Writes the pages of dist/console/: the console, which is bundled, and GraphiQL, whose page is a package's. `setup.mjs` runs
// it; a packed installation has the results, and neither esbuild nor that package, which brings a server along.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'esbuild';
import { helpPage } from './help-page.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const outdir = join(folder, '..', 'dist', 'console');

mkdirSync(outdir, { recursive: true });
await build({
  entryPoints: ['main.tsx', 'console.css'].map((file) => ({ in: join(folder, file), out: 'console' })),
  outdir,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  tsconfig: join(folder, 'tsconfig.json'),
  banner: {
    js: '/*! Has Preact (https://preactjs.com) and uPlot (https://github.com/leeoniya/uPlot), both under the MIT license. */',
  },
  logLevel: 'warning',
});
writeGraphiql();
cpSync(join(folder, 'index.html'), join(outdir, 'index.html'));
writeFileSync(
  join(outdir, 'help.html'),
  helpPage(readFileSync(join(folder, '..', 'docs', 'console.md'), 'utf8')),
);

/**
 * GraphiQL with its license beside it. `exploration.ts` puts scripts in place of the comment `weir`, and with them the
 * options. It is compressed, as 9 MB.
 */
function writeGraphiql() {
  const require = createRequire(import.meta.url);
  const { renderGraphiQL } = require('@graphql-yoga/render-graphiql');
  const options = { title: 'GraphiQL · Weir' };
  const page = renderGraphiQL(options).trim();
  const [root, written] = ['<div id="root">', JSON.stringify(options)];
  const [rootAt, writtenAt] = [page.indexOf(root), page.lastIndexOf(written)];
  if (rootAt < 0 || writtenAt < rootAt) throw new Error('The page of GraphiQL is not as it was.');
  const open = `${page.slice(0, rootAt)}<!--weir-->${page.slice(rootAt, writtenAt)}Object.assign(${written}, globalThis.weirGraphiql)${page.slice(writtenAt + written.length)}`;
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  writeFileSync(join(outdir, 'graphiql.html.br'), brotliCompressSync(open, { params: quality }));
  const from = join(dirname(require.resolve('@graphql-yoga/render-graphiql')), '..');
  const read = (file) => readFileSync(join(from, file), 'utf8');
  const { name, version, license } = JSON.parse(read('package.json'));
  writeFileSync(
    join(outdir, 'graphiql.licenses.txt'),
    `graphiql.html.br is the page of this package, compressed, with a place for scripts:\n\n${name} ${version} (${license})\n\n${read('LICENSE').trim()}\n`,
  );
}
