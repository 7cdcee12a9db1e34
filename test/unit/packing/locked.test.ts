/** packing/locked.cjs: what an installation consists of. */
import packageJson from '../../../package.json';
import { lockedPackages, type LockedPackage } from '../../support/installed-package';

type Packages = Record<string, LockedPackage>;
const { layOut, nameOf, neededBy, versionsAtRoot } = jest.requireActual<{
  layOut: (packages: Packages, groups: readonly (readonly string[])[]) => Packages;
  nameOf: (path: string) => string;
  neededBy: (packages: Packages, names: readonly string[]) => Packages;
  versionsAtRoot: (installation: Packages) => Record<string, string>;
}>('../../../packing/locked.cjs');

/** A lock file of ours: `own` needs `shared` 1, and the root has 2 of it, for development. */
const packages: Packages = {
  '': { version: '1.0.0' },
  'node_modules/own': {
    version: '1.0.0',
    dependencies: { shared: '^1', deep: '1' },
    peerDependencies: { host: '1', unused: '1' },
    peerDependenciesMeta: { unused: { optional: true } },
  },
  'node_modules/own/node_modules/shared': { version: '1.2.0', dependencies: { deep: '2' } },
  'node_modules/own/node_modules/deep': { version: '2.0.0' },
  'node_modules/shared': { version: '2.0.0', dev: true },
  'node_modules/deep': { version: '1.0.0' },
  'node_modules/host': { version: '1.0.0', optionalDependencies: { 'not-here': '1' } },
  'node_modules/unused': { version: '1.0.0', dev: true },
  'node_modules/other': { version: '3.0.0', dev: true, dependencies: { deep: '1', shared: '2' } },
};
const versionsOf = (all: Packages) =>
  Object.fromEntries(Object.entries(all).map(([path, { version }]) => [path, version]));

it('are packages with what they need, and with their peers that are not optional', () => {
  expect(versionsOf(neededBy(packages, ['own']))).toEqual({
    'node_modules/own': '1.0.0',
    'node_modules/own/node_modules/shared': '1.2.0',
    'node_modules/own/node_modules/deep': '2.0.0',
    'node_modules/host': '1.0.0',
  });
});

it('are laid out without what is for development: one version of each name stands at the root', () => {
  expect(versionsOf(layOut(packages, [['own']]))).toEqual({
    'node_modules/own': '1.0.0',
    'node_modules/shared': '1.2.0',
    'node_modules/deep': '2.0.0',
    'node_modules/host': '1.0.0',
  });
});

it('are laid out in groups: what a later one needs in another version stands below who needs it', () => {
  const laid = layOut(packages, [['own'], ['other']]);
  expect(versionsOf(laid)).toEqual({
    'node_modules/own': '1.0.0',
    'node_modules/shared': '1.2.0',
    'node_modules/deep': '2.0.0',
    'node_modules/host': '1.0.0',
    'node_modules/other': '3.0.0',
    'node_modules/other/node_modules/deep': '1.0.0',
    'node_modules/other/node_modules/shared': '2.0.0',
  });
  expect(versionsAtRoot(laid)).toMatchObject({ shared: '1.2.0', deep: '2.0.0', other: '3.0.0' });
  expect(laid['node_modules/other']).not.toHaveProperty('dev');
});

it('are the same versions for Weir, however they are laid out', () => {
  const direct = Object.keys(packageJson.dependencies);
  const ids = (all: Packages) =>
    [...new Set(Object.entries(all).map(([path, { version }]) => `${nameOf(path)}@${version}`))].sort();
  expect(ids(layOut(lockedPackages(), [direct]))).toEqual(ids(neededBy(lockedPackages(), direct)));
});
