// Bundles the console's page to dist/console/. `setup.mjs` runs it; a packed installation has the result and no esbuild.
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));
const outdir = join(folder, '..', 'dist', 'console');

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
mkdirSync(outdir, { recursive: true });
cpSync(join(folder, 'index.html'), join(outdir, 'index.html'));
