// `npm run release`: makes what a release consists of, in `release/`, from the commit that is checked out. The same commit
// gives the same bytes in any folder, time zone and umask, on the same version of Node: docs/releases.md describes it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'release');
const require = createRequire(import.meta.url);
const read = (name) => readFileSync(join(root, name));
const readJson = (name) => JSON.parse(read(name).toString());

const { sectionOf } = require('./changelog.cjs');
const manifest = readJson('package.json');
const { packages } = readJson('package-lock.json');

const seconds = commitTime();
const changes = changesOf(manifest.version);
// Everything compiled anew, with the dependencies of the lock file: nothing of an earlier commit is packed.
process.env.SOURCE_DATE_EPOCH = String(seconds);
run(process.execPath, ['setup.mjs', '--force'], 'inherit');
checkInstalled();

// These need the dependencies.
const { layOut } = require('./locked.cjs');
const { imageManifests, publicName, releasedManifest } = require('./manifest.cjs');
const { sbomOf } = require('./sbom.cjs');
const { tarOf } = require('./tar.cjs');

const direct = Object.keys(manifest.dependencies);
const released = releasedManifest(manifest, packages);
const base = `weir-${manifest.version}`;
const tarball = gzipSync(await tarOf(packedFiles(), seconds), { level: 9 });
const image = imageManifests(released, direct, packages, {
  name: `${base}.tgz`,
  integrity: `sha512-${hash('sha512', 'base64', tarball)}`,
});
const imageFiles = [
  { name: 'Dockerfile', content: read('packing/Dockerfile') },
  { name: 'package.json', content: json(image.manifest) },
  { name: 'package-lock.json', content: json(image.lock) },
  { name: `${base}.tgz`, content: tarball },
];
const about = { ...released, name: publicName, sha256: hash('sha256', 'hex', tarball) };
// Under the name that is Weir's own, and with what Weir itself needs: npm's `weir` is another package.
const own = { name: publicName, dependencies: manifest.dependencies };
const inImage = {
  ...image.installation,
  'node_modules/weir': { ...image.lock.packages['node_modules/weir'], ...own },
};
const files = {
  [`${base}.tgz`]: tarball,
  [`${base}.cdx.json`]: sbomOf({ ...about, needs: direct }, layOut(packages, [direct]), seconds),
  [`${base}-changes.md`]: changes,
  [`${base}-image.tar`]: await tarOf(imageFiles, seconds),
  [`${base}-image.cdx.json`]: sbomOf(
    {
      ...about,
      name: `${publicName}-image`,
      sha256: undefined,
      needs: Object.keys(image.manifest.dependencies),
    },
    inImage,
    seconds,
  ),
};
rmSync(out, { recursive: true, force: true });
mkdirSync(out);
for (const [name, content] of Object.entries(files)) writeFileSync(join(out, name), content);
const sums = Object.entries(files).map(([name, content]) => `${hash('sha256', 'hex', content)}  ${name}\n`);
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
say(`release/ has ${base}, of commit ${git('rev-parse', '--short=12', 'HEAD')}:`);
process.stdout.write(sums.join(''));

/** The time of the commit, since 1970. Refuses what is no commit: nobody could make it again. */
function commitTime() {
  if (!existsSync(join(root, '.git')))
    fail('A release is made of a commit, but this is no clone: run `npm run release` in one.');
  const changed = git('status', '--porcelain').split('\n').filter(Boolean);
  if (changed.length > 0) {
    const names = changed.slice(0, 5).map((line) => line.slice(3));
    const more = changed.length > 5 ? `, and ${changed.length - 5} more` : '';
    fail(
      `A release is made of a commit, but this clone has changes that are in none: ${names.join(', ')}${more}. Commit or remove them (\`git stash --include-untracked\` puts them aside), then run \`npm run release\` again.`,
    );
  }
  return Number(git('log', '-1', '--format=%ct'));
}

function changesOf(version) {
  const section = sectionOf(read('CHANGELOG.md').toString(), version);
  if (section === undefined)
    fail(
      `CHANGELOG.md has no section of version ${version}, which package.json has: add one with the heading \`## ${version}\` that says what it changes, and commit it.`,
    );
  if (!manifest.private && /^## .*unreleased/.test(section))
    fail(`CHANGELOG.md calls ${version} unreleased: write the date in its place, and commit it.`);
  return section;
}

/** Refuses other dependencies than those of the lock file, as parts of some are in the bundles. */
function checkInstalled() {
  const { packages: installed } = readJson('node_modules/.package-lock.json');
  const other = Object.entries(installed).find(([path, { version }]) => packages[path]?.version !== version);
  const lacking = Object.entries(packages).find(
    ([path, { optional }]) => path && !optional && !installed[path],
  );
  const [path] = other ?? lacking ?? [];
  if (path !== undefined)
    fail(
      `${path} is not as package-lock.json has it: run \`npm ci --ignore-scripts\`, then \`npm run release\`.`,
    );
}

/** The files that npm would pack, with the manifest of a release. */
function packedFiles() {
  const [packed] = Object.values(JSON.parse(run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'])));
  const programs = Object.values(manifest.bin);
  return packed.files.map(({ path }) => ({
    name: `package/${path}`,
    content: path === 'package.json' ? json(released) : read(path),
    isProgram: programs.includes(path),
  }));
}

function json(value) {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

function hash(algorithm, encoding, content) {
  return createHash(algorithm).update(content).digest(encoding);
}

function git(...args) {
  return run('git', args).trim();
}

function run(command, args, output = 'pipe') {
  try {
    const shell = process.platform === 'win32';
    return execFileSync(command, args, {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      stdio: ['ignore', output, 'inherit'],
      shell,
    });
  } catch (error) {
    return fail(`\`${[command, ...args].join(' ')}\` failed: ${error.message}`);
  }
}

function say(text) {
  process.stderr.write(`weir: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
