#!/usr/bin/env node
// `weir`: in a checkout brings it up to date as `npm test` does, then runs the command line. A package is complete.
import { existsSync } from 'node:fs';

if (existsSync(new URL('../setup.mjs', import.meta.url))) await import('../setup.mjs');
await import('../dist/cli/main.js');
