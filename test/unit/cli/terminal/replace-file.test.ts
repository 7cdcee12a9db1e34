import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privately, replaceFile } from '../../../../cli/terminal/replace-file';

const folder = mkdtempSync(join(tmpdir(), 'weir-replace-file-'));
const file = join(folder, 'a.json');
afterAll(() => rmSync(folder, { recursive: true }));

const rights = (): string => (statSync(file).mode & 0o777).toString(8);

it('replaces a file, and leaves it its rights', async () => {
  await replaceFile(file, '1', privately);
  expect(rights()).toBe('600');
  chmodSync(file, 0o664);
  await replaceFile(file, '2', privately);
  expect(rights()).toBe('664');
  expect(readFileSync(file, 'utf8')).toBe('2');
  expect(readdirSync(folder)).toEqual(['a.json']);
});

it('writes to pipes and devices, and keeps links', async () => {
  const [pipe, link] = [join(folder, 'pipe'), join(folder, 'link')];
  execFileSync('mkfifo', [pipe]);
  const [read] = await Promise.all([readFile(pipe, 'utf8'), replaceFile(pipe, '1')]);
  expect(read).toBe('1');
  expect(statSync(pipe).isFIFO()).toBe(true);
  symlinkSync(file, link);
  await replaceFile(link, '3');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe('3');
});

it('refuses what cannot be written with a sentence', async () => {
  await expect(replaceFile(join(folder, 'none', 'a'), '1')).rejects.toThrow('cannot be written: ENOENT');
});
