import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');

/** These packages with all that they need, at the paths at which npm has put them. */
export const { neededBy } = jest.requireActual<{
  neededBy: (
    packages: Record<string, LockedPackage>,
    names: readonly string[],
  ) => Record<string, LockedPackage>;
}>('../../packing/locked.cjs');

/** A package of a lock file, as far as it is read here. */
export interface LockedPackage {
  /** Where it is another one than that of its folder. */
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
}

/** What our lock file says of each package, by its path; of this one at ''. */
export const lockedPackages = (): Record<string, LockedPackage> => packagesIn(root);

function packagesIn(folder: string): Record<string, LockedPackage> {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return lock.packages;
}

/**
 * Packs Weir as `npm pack` does and installs the tarball in an empty folder, together with packages of ours that a user
 * would choose. All that it needs is there before, in our versions, and at the paths at which npm puts it: npm then
 * unpacks one package in place of hundreds, and a new version of somebody's package cannot fail a test of ours. Each has to
 * run on this Node by its own word. `.ci/full` has npm install all of them.
 *
 * @param folder on the file system of this checkout, or files are copied
 */
export function installPackage(folder: string, others: readonly string[]): void {
  npm(root, 'pack', '--silent', '--pack-destination', folder);
  const tarball = tarballIn(folder);
  const read = (file: string) =>
    JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
  const { devDependencies, ...weir } = read('package.json');
  const ranges = { ...read('packing/package.json').dependencies, ...devDependencies, ...weir.dependencies };
  const dependencies = {
    ...Object.fromEntries(others.map((name) => [name, ranges[name]!])),
    weir: `file:${tarball}`,
  };
  const needed = neededBy(lockedPackages(), [...others, ...Object.keys(weir.dependencies)]);
  const packages = {
    '': { dependencies },
    'node_modules/weir': { ...weir, scripts: undefined, workspaces: undefined, resolved: `file:${tarball}` },
    ...needed,
  };
  const write = (name: string, content: object) =>
    writeFileSync(join(folder, name), JSON.stringify(content, null, 2));
  write('package.json', { private: true, dependencies });
  write('package-lock.json', { lockfileVersion: 3, requires: true, packages });
  for (const path of Object.keys(needed)) if (existsSync(join(root, path))) link(path, folder);
  npm(
    folder,
    'install',
    '--prefer-offline',
    '--engine-strict',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  );
}

/**
 * What npm chooses in an empty folder for who installs the tarball that is in a folder, by path: the newest versions that the
 * registry has in the ranges.
 *
 * @throws if one of them refuses this Node
 */
export function chosenPackages(folder: string): Record<string, LockedPackage> {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{ "private": true }');
  const flags = ['--package-lock-only', '--engine-strict', '--ignore-scripts', '--no-audit', '--no-fund'];
  npm(empty, 'install', ...flags, '--loglevel=error', join(folder, tarballIn(folder)));
  return packagesIn(empty);
}

const tarballIn = (folder: string): string => readdirSync(folder).find((name) => name.endsWith('.tgz'))!;

/** Has the files of a package of ours in a folder, too, without the packages that are in it. */
function link(path: string, folder: string): void {
  mkdirSync(join(folder, path), { recursive: true });
  for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
    const within = join(path, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules') link(within, folder);
    } else putFile(join(root, within), join(folder, within));
  }
}

/** A package is only read: one file may have two names. */
function putFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function npm(folder: string, ...args: string[]): void {
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}
