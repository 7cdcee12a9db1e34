/** Where the tests in test/unit stand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const tests = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.test.ts'),
);

it('each tests the source at its own path, or begins by naming the sources that it tests', () => {
  const astray = tests.filter((file) => {
    if (existsSync(join(root, file.replace(/\.test\.ts$/, '.ts')))) return false;
    const [first = ''] = readFileSync(join(__dirname, file), 'utf8').split('*/', 1);
    const named = first.startsWith('/**') ? (first.match(/[\w.-]+\/[\w./-]*\w|\b[\w-]+\//g) ?? []) : [];
    return !named.some((path) => existsSync(join(root, path)));
  });
  expect(astray).toEqual([]);
});
