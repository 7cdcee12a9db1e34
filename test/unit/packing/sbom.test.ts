/** packing/sbom.cjs: the bill of materials. */
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import type { LockedPackage } from '../../support/installed-package';

interface Component {
  readonly purl: string;
  readonly hashes?: readonly object[];
  readonly licenses?: readonly object[];
}
interface Sbom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}
const { sbomOf } = jest.requireActual<{
  sbomOf: (about: object, installation: Record<string, LockedPackage>, seconds: number) => string;
}>('../../../packing/sbom.cjs');

const about = { name: '@own/gateway', version: '1.0.0', license: 'Apache-2.0', needs: ['a'], sha256: 'ab' };
const integrity = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;
const installation: Record<string, LockedPackage> = {
  'node_modules/a': { version: '1.0.0', license: 'MIT', integrity, dependencies: { '@scope/b': '^2' } },
  'node_modules/@scope/b': { version: '2.0.0', license: '(MIT AND BSD-3-Clause)', integrity },
  'node_modules/c': {
    version: '1.0.0',
    license: 'SEE LICENSE IN terms.txt',
    dependencies: { '@scope/b': '^1' },
  },
  'node_modules/c/node_modules/@scope/b': { version: '1.0.0' },
  // Installed under another name than its own.
  'node_modules/d': { name: '@own/d', version: '1.0.0' },
  'node_modules/d/node_modules/a': { version: '1.0.0', license: 'MIT', integrity },
};
const textOf = (all = installation) => sbomOf({ ...about, sha256: 'a'.repeat(64) }, all, 1_700_000_000);
const sbom = JSON.parse(textOf()) as Sbom;
const b = 'pkg:npm/%40scope/b@2.0.0';

it('lists each version once, with its hash and license', () => {
  expect(sbom.components.map(({ purl }) => purl).sort()).toEqual([
    'pkg:npm/%40own/d@1.0.0',
    'pkg:npm/%40scope/b@1.0.0',
    b,
    'pkg:npm/a@1.0.0',
    'pkg:npm/c@1.0.0',
  ]);
  expect(sbom.components.find(({ purl }) => purl === b)).toMatchObject({
    hashes: [{ alg: 'SHA-512', content: '07'.repeat(64) }],
    licenses: [{ expression: '(MIT AND BSD-3-Clause)' }],
  });
});

it('says who needs whom, as Node would find them', () => {
  const needed = Object.fromEntries(sbom.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  expect(needed).toMatchObject({
    'pkg:npm/%40own/gateway@1.0.0': ['pkg:npm/a@1.0.0'],
    'pkg:npm/a@1.0.0': [b],
    'pkg:npm/c@1.0.0': ['pkg:npm/%40scope/b@1.0.0'],
  });
});

it('is CycloneDX 1.6', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  expect(await validator.validate(textOf())).toBeNull();
});

it('has the time of the commit, and a serial number of its own for each content', () => {
  expect(sbom.metadata.timestamp).toBe('2023-11-14T22:13:20.000Z');
  expect(sbom.metadata.component.hashes).toEqual([{ alg: 'SHA-256', content: 'a'.repeat(64) }]);
  expect(sbom.serialNumber).toMatch(
    /^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
  );
  const turned = Object.fromEntries(Object.entries(installation).reverse());
  expect(textOf(turned)).toBe(textOf());
  const { serialNumber } = JSON.parse(textOf({ 'node_modules/d': { version: '1.0.1' } })) as Sbom;
  expect(serialNumber).not.toBe(sbom.serialNumber);
});
