/** packing/changelog.cjs: what a version changes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../../../package.json';

const { sectionOf } = jest.requireActual<{
  sectionOf: (changelog: string, version: string) => string | undefined;
}>('../../../packing/changelog.cjs');

const changelog =
  '# Changelog\n\nText.\n\n## 0.2.0, 2027-01-02\n\n- New.\n\n### How to adapt\n\n## 0.1.0\n\n- Old.\n';

it.each([
  ['0.2.0', '## 0.2.0, 2027-01-02\n\n- New.\n\n### How to adapt\n'],
  ['0.1.0', '## 0.1.0\n\n- Old.\n'],
  ['0.1', undefined],
  ['1.0.0', undefined],
])('of %s is the section with its heading', (wanted, section) => {
  expect(sectionOf(changelog, wanted)).toBe(section);
});

it('of this version is there', () => {
  expect(sectionOf(readFileSync(join(__dirname, '../../../CHANGELOG.md'), 'utf8'), version)).toMatch(/^- /m);
});
