/**
 * What an installation consists of, by package-lock.json: packages by their path, such as `node_modules/a/node_modules/b`.
 *
 * @typedef {object} LockedPackage
 * @property {string} [name] where it is another one than that of its folder
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {string} [license]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 *
 * @typedef {Record<string, LockedPackage>} Packages
 */

/**
 * These packages with all that they need, at the paths of the lock file. Optional peers are not needed.
 *
 * @param {Packages} packages
 * @param {readonly string[]} names
 * @returns {Packages}
 */
function neededBy(packages, names) {
  const needed = {};
  const add = (name, from) => {
    const path = nearest(name, from, (candidate) => candidate in packages);
    if (path === undefined || path in needed) return;
    needed[path] = ofAnInstallation(packages[path]);
    for (const each of needs(packages[path])) add(each, path);
  };
  for (const name of names) add(name, '');
  return needed;
}

/**
 * Packages at the paths at which they would be installed without any other. Versions are those of the lock file. Of each name,
 * one version stands at the root, also where the lock file has another one there, for development. What earlier groups need is
 * placed first.
 *
 * @param {Packages} packages
 * @param {readonly (readonly string[])[]} groups names of packages
 * @returns {Packages}
 */
function layOut(packages, groups) {
  /** Where a package is installed, and its path in the lock file. */
  const laid = new Map();
  for (const names of groups)
    for (const path of Object.keys(neededBy(packages, names)).sort(byDepth)) {
      const atRoot = `node_modules/${nameOf(path)}`;
      if (!laid.has(atRoot)) laid.set(atRoot, path);
    }
  // A map goes on to what is added to it meanwhile.
  for (const [at, path] of laid)
    for (const name of needs(packages[path])) {
      const wanted = nearest(name, path, (candidate) => candidate in packages);
      if (wanted === undefined) continue;
      const found = laid.get(nearest(name, at, (candidate) => laid.has(candidate)));
      if (packages[found].version !== packages[wanted].version)
        laid.set(`${at}/node_modules/${name}`, wanted);
    }
  const paths = [...laid].sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(paths.map(([at, path]) => [at, ofAnInstallation(packages[path])]));
}

/** The versions that stand at the root of an installation, by name. */
function versionsAtRoot(installation) {
  const atRoot = Object.entries(installation).filter(([path]) => path === `node_modules/${nameOf(path)}`);
  return Object.fromEntries(atRoot.map(([path, { version }]) => [nameOf(path), version]));
}

/** The name of the package at a path. */
const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** What a package does not run without, and what npm installs where it can. */
function needs({ dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }) {
  const peers = Object.keys(peerDependencies ?? {}).filter((peer) => !peerDependenciesMeta?.[peer]?.optional);
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
}

/** The path of the nearest package of this name, as Node finds it from the folder of another one; undefined if there is none. */
function nearest(name, from, has) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (has(path)) return path;
    if (folder === '') return undefined;
  }
}

/** Whether a package is for development is said anew by who installs it. */
function ofAnInstallation({ dev, devOptional, peer, ...locked }) {
  return locked;
}

function byDepth(one, other) {
  const depth = (path) => path.split('/node_modules/').length;
  return depth(one) - depth(other) || (one < other ? -1 : 1);
}

module.exports = { layOut, nameOf, nearest, needs, neededBy, versionsAtRoot };
