#!/usr/bin/env node
// `weir` in a checkout: brings it up to date as `npm test` does, then runs the command line.
import '../setup.mjs';

await import('../dist/cli/main.js');
