/** What a release says of itself in package.json and in lock files. */
const { layOut, versionsAtRoot } = require('./locked.cjs');

/** The name on the npm registry, where `weir` is another package. */
const publicName = '@weir-gateway/weir';

/** Takes 79 MB, and no option of `weir gateway` needs it. */
const notInTheImage = ['@apollo/gateway'];

/**
 * The manifest in the tarball. It names each package that is installed, in the version of the lock file, as no lock file in a
 * tarball reaches who installs it: npm 12 reads none, and no other package manager ever did. Once `private` is taken away, it
 * has the public name.
 */
function releasedManifest({ devDependencies, scripts, overrides, files, workspaces, ...manifest }, packages) {
  const dependencies = versionsAtRoot(layOut(packages, [Object.keys(manifest.dependencies)]));
  return manifest.private
    ? { ...manifest, dependencies }
    : { ...manifest, name: publicName, publishConfig: { access: 'public' }, dependencies };
}

/**
 * The manifest and the lock file of the image: Weir from its tarball, and the optional packages of all options.
 *
 * @param released the manifest in the tarball
 * @param direct the names of the packages that Weir itself names in its checkout
 * @param tarball its file name, and its hash as in lock files
 */
function imageManifests(released, direct, packages, tarball) {
  const optional = Object.keys(released.peerDependencies).filter((name) => !notInTheImage.includes(name));
  const installation = layOut(packages, [direct, optional]);
  const versions = versionsAtRoot(installation);
  const file = `file:${tarball.name}`;
  const manifest = {
    name: 'weir-image',
    version: released.version,
    private: true,
    dependencies: { ...Object.fromEntries(optional.map((name) => [name, versions[name]])), weir: file },
  };
  const { name, version, license, bin, engines, dependencies, peerDependencies, peerDependenciesMeta } =
    released;
  const weir = { version, resolved: file, integrity: tarball.integrity, license, dependencies, bin, engines };
  const lock = {
    name: manifest.name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: manifest.name, version, dependencies: manifest.dependencies },
      'node_modules/weir': {
        ...(name === 'weir' ? {} : { name }),
        ...weir,
        peerDependencies,
        peerDependenciesMeta,
      },
      ...installation,
    },
  };
  return { manifest, lock, installation };
}

module.exports = { imageManifests, publicName, releasedManifest };
