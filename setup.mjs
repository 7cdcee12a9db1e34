// Brings a checkout to the state in which every command works: dependencies installed, sources compiled.
// `npm test` and the `weir` command run it first; it does nothing when there is nothing to do.
// Needs only Node and npm, so it must not import any package.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const sources = ['cli', 'gateway', 'kit', 'optional-packages', 'schema', 'subgraphs'];
const stamp = join(root, 'dist', '.built');

// As `engines` in package.json says: those that can `require` an ES module.
const [major, minor] = process.versions.node.split('.').map(Number);
if (!(major > 22 || (major === 22 && minor >= 15) || (major === 20 && minor >= 19))) {
  fail(
    `Weir needs Node 20.19 or a later 20, or 22.15 or newer, but this is Node ${process.versions.node}. Node 24 is recommended.`,
  );
}

const isRunAlone = process.argv[1] === fileURLToPath(import.meta.url);
/** What tests and lint need is two thirds of all packages: `weir` installs without it. */
const hasAll = existsSync(join(root, 'node_modules', 'jest'));
const needsAll = isRunAlone || hasAll;
if (
  needsAll !== hasAll ||
  isOlder(join(root, 'node_modules', '.package-lock.json'), [join(root, 'package-lock.json')])
)
  await run('Installing dependencies, which may take a minute', 'npm', [
    'ci',
    ...(needsAll ? [] : ['--omit=dev']),
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--ignore-scripts',
  ]);
// The types of packages that only tests need are in declarations.
if ((isRunAlone && process.argv.includes('--force')) || needsAll !== hasAll)
  rmSync(join(root, 'dist'), { recursive: true, force: true });
const files = sources.flatMap(listFiles);
/** What the code reads from the folder that it is compiled to. */
const copied = files.filter((name) => name.endsWith('.graphql') || name.endsWith('.asl.json'));
const code = files.filter((name) => name.endsWith('.ts'));
const bundles = join(root, 'bundle.mjs');
const configs = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((file) => join(root, file));
if (isOlder(stamp, [...configs, bundles, ...code])) {
  const compiler = developmentFile('typescript-7', 'bin', 'tsc');
  developmentFile('esbuild', 'package.json');
  await run('Compiling', process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')]);
  await run('Bundling the gateway', process.execPath, [bundles]);
  removeStale();
  writeFileSync(stamp, '');
}
for (const file of copied) {
  const copy = join(root, 'dist', relative(root, file));
  if (isOlder(copy, [file])) cpSync(file, copy);
}

// The file that the console's build writes last.
const pages = [join(root, 'package-lock.json'), ...listFiles('console')];
// Its help is a page of the documentation.
const help = join(root, 'docs', 'console.md');
if (existsSync(help)) pages.push(help);
if (isOlder(join(root, 'dist', 'console', 'index.html'), pages)) {
  developmentFile('esbuild', 'package.json');
  await run('Bundling the console', process.execPath, [join(root, 'console', 'build.mjs')]);
}

/** What was compiled of sources that are gone since: it would be packed with the rest. */
function removeStale() {
  const sourceOf = (name) =>
    relative(join(root, 'dist'), name).replace(/\.(?:d\.ts|js|map|licenses\.txt)$/, '.ts');
  const known = new Set(files.map((name) => relative(root, name)));
  for (const name of sources.flatMap((folder) => listFiles(join('dist', folder))))
    if (!known.has(sourceOf(name))) rmSync(name);
}

/** The path of a file of a development dependency. */
function developmentFile(...path) {
  const file = join(root, 'node_modules', ...path);
  if (!existsSync(file))
    fail(
      'Compiling needs the development dependencies, which are not installed: run `npm ci --ignore-scripts`.',
    );
  return file;
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

/** Says what is done and does it. On a terminal the line counts the seconds; elsewhere it is written once. */
async function run(what, command, args) {
  const isSeen = process.stderr.isTTY;
  const begin = performance.now();
  const seconds = () => Math.round((performance.now() - begin) / 1000);
  const show = (end = '') => process.stderr.write(`\rweir: ${what} … ${seconds()} s${end}`);
  if (isSeen) show();
  else say(`${what} …`);
  const timer = isSeen ? setInterval(() => show(), 1000) : undefined;
  // What it prints comes together, so that the line stays whole.
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => printed.push(data));
  const status = await new Promise((ended) => {
    child.once('error', (error) => ended(error));
    child.once('close', (code, signal) => ended(code ?? signal));
  });
  clearInterval(timer);
  if (isSeen) show('\n');
  process.stderr.write(Buffer.concat(printed));
  if (status instanceof Error) fail(`${command} could not be started: ${status.message}`);
  if (status !== 0) fail(`\`${command} ${args.join(' ')}\` failed; its output is above.`);
}

function say(text) {
  process.stderr.write(`weir: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
