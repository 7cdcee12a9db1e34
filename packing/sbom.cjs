/** The bill of materials of an installation, in CycloneDX: the same bytes for the same installation. */
const { createHash } = require('node:crypto');
const { Contrib, Enums, Models, Serialize, Spec } = require('@cyclonedx/cyclonedx-library');
const { PackageURL } = require('packageurl-js');
const parseLicense = require('spdx-expression-parse');
const { nameOf, nearest, needs } = require('./locked.cjs');

const licenses = new Contrib.License.Factories.LicenseFactory(parseLicense);
const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));

/**
 * @param about `name`, `version`, `license` and `description` of what is installed, the names that it `needs`, and the SHA-256
 *   (hex) of its file, if it has one
 * @param {import('./locked.cjs').Packages} installation
 * @param {number} seconds the time of the commit, since 1970: SOURCE_DATE_EPOCH
 * @returns {string}
 */
function sbomOf(about, installation, seconds) {
  const bom = new Models.Bom();
  const root = component(Enums.ComponentType.Application, about);
  root.description = about.description;
  if (about.sha256 !== undefined) root.hashes.set(Enums.HashAlgorithm['SHA-256'], about.sha256);
  bom.metadata.component = root;
  bom.metadata.timestamp = new Date(seconds * 1000);
  bom.metadata.lifecycles.add(Enums.LifecyclePhase.Build);
  for (const tool of tools()) bom.metadata.tools.components.add(tool);

  // One version may be installed at several paths.
  const components = new Map();
  for (const [path, locked] of Object.entries(installation)) {
    if (components.has(idOf(path, locked))) continue;
    const added = component(Enums.ComponentType.Library, { ...locked, name: locked.name ?? nameOf(path) });
    components.set(idOf(path, locked), added);
    bom.components.add(added);
  }
  const link = (from, name, path) => {
    const found = nearest(name, path, (candidate) => candidate in installation);
    if (found !== undefined) from.dependencies.add(components.get(idOf(found, installation[found])).bomRef);
  };
  for (const name of about.needs) link(root, name, '');
  for (const [path, locked] of Object.entries(installation))
    for (const name of needs(locked)) link(components.get(idOf(path, locked)), name, path);

  const write = () => `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
  bom.serialNumber = serialNumberOf(write());
  return write();
}

const idOf = (path, { name, version }) => `${name ?? nameOf(path)}@${version}`;

function component(type, { name, version, license, integrity }) {
  const [group, bare] = name.startsWith('@') ? name.split('/') : [undefined, name];
  const purl = new PackageURL('npm', group, bare, version, undefined, undefined).toString();
  const made = new Models.Component(type, bare, { bomRef: purl, group, version, purl });
  if (license !== undefined) made.licenses.add(licenses.makeFromString(license));
  const sha512 = /^sha512-(\S+)$/.exec(integrity ?? '')?.[1];
  if (sha512 !== undefined)
    made.hashes.set(Enums.HashAlgorithm['SHA-512'], Buffer.from(sha512, 'base64').toString('hex'));
  return made;
}

/** What made it: whoever wants the same bytes takes the same Node. */
function tools() {
  const { name, version } = require('@cyclonedx/cyclonedx-library/package.json');
  const [group, bare] = name.split('/');
  return [
    new Models.Component(Enums.ComponentType.Application, 'node', { version: process.versions.node }),
    new Models.Component(Enums.ComponentType.Library, bare, { group, version }),
  ];
}

/** A UUID of version 8 (RFC 9562, section 5.8), of the hash of the content. */
function serialNumberOf(content) {
  const bytes = createHash('sha256').update(content).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return `urn:uuid:${parts.join('-')}`;
}

module.exports = { sbomOf };
