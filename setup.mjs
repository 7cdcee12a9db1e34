// Brings a checkout to the state in which every command works: dependencies installed, sources compiled.
// `npm test` and the `weir` command run it first; it does nothing when there is nothing to do.
// Needs only Node and npm, so it must not import any package.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const sources = ['cli', 'gateway', 'schema', 'subgraphs'];
const stamp = join(root, 'dist', '.built');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `Weir needs Node 20.19 or newer, but this is Node ${process.versions.node}. Install a newer Node (24 is recommended).`,
  );
}

if (isOlder(join(root, 'node_modules', '.package-lock.json'), [join(root, 'package-lock.json')])) {
  say('Installing dependencies, which may take a minute …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts']);
}
const isRunAlone = process.argv[1] === fileURLToPath(import.meta.url);
if (isRunAlone && process.argv.includes('--force'))
  rmSync(join(root, 'dist'), { recursive: true, force: true });
const files = sources.flatMap(listFiles);
const schemas = files.filter((name) => name.endsWith('.graphql'));
const code = files.filter((name) => name.endsWith('.ts'));
if (isOlder(stamp, [join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json'), ...code])) {
  say('Compiling …');
  run(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    join(root, 'tsconfig.build.json'),
  ]);
  writeFileSync(stamp, '');
}
for (const schema of schemas) {
  const copy = join(root, 'dist', relative(root, schema));
  if (isOlder(copy, [schema])) cpSync(schema, copy);
}

/** True when `target` is missing or any of `inputs` was changed after it. */
function isOlder(target, inputs) {
  if (!existsSync(target)) return true;
  const built = statSync(target).mtimeMs;
  return inputs.some((input) => statSync(input).mtimeMs > built);
}

/** All files below a top-level folder, as absolute paths. */
function listFiles(folder) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error) fail(`${command} could not be started: ${error.message}`);
  if (status !== 0) fail(`\`${command} ${args.join(' ')}\` failed; its output is above.`);
}

function say(text) {
  process.stderr.write(`weir: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
