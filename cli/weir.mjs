#!/usr/bin/env node
// `weir`: in a checkout brings it up to date as `npm test` does, then runs the command line. A package is complete.
import { existsSync } from 'node:fs';

if (existsSync(new URL('../setup.mjs', import.meta.url))) await import('../setup.mjs');
if (!existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
  process.stderr.write(
    'weir: this package is not compiled, as it was installed from git with --ignore-scripts. Install it without that flag, or from a tarball.\n',
  );
  process.exit(2);
}
await import('../dist/cli/main.js');
