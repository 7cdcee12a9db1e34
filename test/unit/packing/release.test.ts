/** packing/release.mjs: what it refuses, before it compiles anything. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'weir-release-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
const git = (...args: string[]) =>
  run('git', '-c', 'user.name=Weir', '-c', 'user.email=weir@localhost', ...args);
const commit = () => {
  git('add', '--all');
  git('commit', '--quiet', '--no-gpg-sign', '--message', 'Change');
};
const release = () => {
  const { status, stderr } = run(process.execPath, 'packing/release.mjs');
  return [status, stderr];
};
const manifest = { name: 'weir', version: '0.3.0', private: true, dependencies: {}, bin: {} };

beforeAll(() => {
  cpSync(join(__dirname, '../../../packing'), join(folder, 'packing'), { recursive: true });
  write('package.json', JSON.stringify(manifest));
  write('package-lock.json', '{ "packages": {} }');
  write('CHANGELOG.md', '# Changelog\n\n## 0.2.0\n\n- Old.\n');
});

it('refuses what is no commit, a version without a section, and one that is to be published without a date', () => {
  expect(release()).toEqual([1, expect.stringMatching(/this is no clone: run `npm run release` in one\.$/m)]);

  git('init', '--quiet');
  commit();
  write('own.txt', '');
  expect(release()).toEqual([
    1,
    expect.stringMatching(/changes that are in none: own\.txt\. Commit or remove them/),
  ]);

  commit();
  expect(release()).toEqual([
    1,
    'weir: CHANGELOG.md has no section of version 0.3.0, which package.json has: add one with the heading `## 0.3.0` that says what it changes, and commit it.\n',
  ]);

  write('CHANGELOG.md', '# Changelog\n\n## 0.3.0, unreleased\n\n- New.\n');
  write('package.json', JSON.stringify({ ...manifest, private: false }));
  commit();
  expect(release()).toEqual([
    1,
    'weir: CHANGELOG.md calls 0.3.0 unreleased: write the date in its place, and commit it.\n',
  ]);
});
