/** packing/manifest.cjs: what a release says of itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { subset } from 'semver';
import packageJson from '../../../package.json';
import { lockedPackages, type LockedPackage } from '../../support/installed-package';

type Packages = Record<string, LockedPackage>;
type Manifest = typeof packageJson & { readonly publishConfig?: object };
const { imageManifests, releasedManifest } = jest.requireActual<{
  imageManifests: (
    released: Manifest,
    direct: readonly string[],
    packages: Record<string, LockedPackage>,
    tarball: { readonly name: string; readonly integrity: string },
  ) => {
    readonly manifest: { readonly dependencies: Record<string, string> };
    readonly lock: { readonly packages: Record<string, LockedPackage> };
  };
  releasedManifest: (manifest: object, packages: Record<string, LockedPackage>) => Manifest;
}>('../../../packing/manifest.cjs');

const { layOut } = jest.requireActual<{
  layOut: (packages: Packages, groups: readonly (readonly string[])[]) => Packages;
}>('../../../packing/locked.cjs');

const packages = lockedPackages();
const released = releasedManifest(packageJson, packages);
const versions: Record<string, string> = released.dependencies;

describe('the manifest in the tarball', () => {
  it('names the version of each package that is installed, within what package.json allows', () => {
    expect(Object.keys(versions).length).toBeGreaterThan(250);
    expect(Object.values(versions).filter((version) => !/^\d+\.\d+\.\d+/.test(version))).toEqual([]);
    for (const [name, range] of Object.entries(packageJson.dependencies))
      expect(subset(versions[name]!, range)).toBe(true);
  });

  it('cannot name second versions in a range, of which docs/releases.md tells', () => {
    const page = readFileSync(join(__dirname, '../../../docs/releases.md'), 'utf8');
    const [, told = ''] = /Two versions of one name\*\* cannot be named by a package: (.*?) are /.exec(page)!;
    const installation = layOut(packages, [Object.keys(packageJson.dependencies)]);
    const inRanges = Object.entries(installation).flatMap(([path, { version }]) => {
      const [, parent, name] = /^(.+)\/node_modules\/(.+)$/.exec(path) ?? [];
      return parent === undefined || installation[parent]!.dependencies?.[name!] === version ? [] : [name];
    });
    expect([...told.matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual([...new Set(inRanges)].sort());
  });

  it('has nothing that is for a checkout, and is otherwise as package.json', () => {
    const { devDependencies, scripts, overrides, files, dependencies, workspaces, ...same } = packageJson;
    expect(released).toEqual({ ...same, dependencies: versions });
  });

  it('has the public name as soon as the package is not private', () => {
    const { name, publishConfig } = releasedManifest({ ...packageJson, private: undefined }, packages);
    expect([released.name, name]).toEqual(['weir', '@weir-gateway/weir']);
    expect(publishConfig).toEqual({ access: 'public' });
  });
});

describe('the lock file of the image', () => {
  const tarball = { name: 'weir-0.1.0.tgz', integrity: 'sha512-AAAA' };
  const { lock, manifest } = imageManifests(
    released,
    Object.keys(packageJson.dependencies),
    packages,
    tarball,
  );

  it('has Weir from its tarball, with all optional packages of a gateway', () => {
    expect(lock.packages['node_modules/weir']).toMatchObject({
      resolved: 'file:weir-0.1.0.tgz',
      integrity: 'sha512-AAAA',
    });
    const optional = Object.keys(packageJson.peerDependencies).filter((name) => name !== '@apollo/gateway');
    expect(Object.keys(manifest.dependencies).sort()).toEqual([...optional, 'weir'].sort());
    expect(lock.packages).not.toHaveProperty(['node_modules/@apollo/gateway']);
  });

  it('has all that Weir names at the root, in these versions', () => {
    const atRoot = Object.keys(versions).map((name) => [
      name,
      lock.packages[`node_modules/${name}`]?.version,
    ]);
    expect(Object.fromEntries(atRoot)).toEqual(versions);
  });
});
