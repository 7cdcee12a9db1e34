#!/usr/bin/env node
// `weir`: in a checkout brings it up to date as `npm test` does, then runs the command line. A package is complete.
// Help and version are there at once, without anything being installed or compiled.
import { existsSync, readFileSync } from 'node:fs';

const known = textFor(process.argv.slice(2));
if (known !== undefined) {
  process.stdout.write(known);
  // Not `process.exit`, which may cut off what a pipe has not taken yet.
} else await run();

/** The version, or the help of a command as `cli/help.txt` has it: a test holds that file against the commands. */
function textFor(args) {
  const read = (file) => readFileSync(new URL(file, import.meta.url), 'utf8');
  const [first = '--help'] = args;
  if (args.length === 1 && (first === '--version' || first === '-V'))
    return `${JSON.parse(read('../package.json')).version}\n`;
  const last = args.at(-1) ?? '--help';
  if (first !== 'help' && last !== '--help' && last !== '-h') return undefined;
  const path = ['weir', ...(first === 'help' ? args.slice(1) : args.slice(0, -1))].join(' ');
  const helps = read('help.txt').split(/^(?=Usage: )/m);
  return helps.find((help) => help.startsWith(`Usage: ${path} [options]`));
}

async function run() {
  if (existsSync(new URL('../setup.mjs', import.meta.url))) await import('../setup.mjs');
  if (!existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
    process.stderr.write(
      'weir: this package is not compiled, as it was installed from git with --ignore-scripts. Install it without that flag, or from a tarball.\n',
    );
    process.exit(2);
  }
  await import('../dist/cli/main.js');
}
