import { execFileSync } from 'node:child_process';
import { join, relative } from 'node:path';

const root = join(__dirname, '../..');

it.each([
  ['cli/commands/check.ts', 'test/unit/cli/commands/check.test.ts'],
  ['gateway/http/cors.ts', 'test/unit/gateway/http/cors.test.ts'],
  ['schema/composition/api-schema.ts', 'test/unit/schema/composition/compose.test.ts'],
  ['kit/index.ts', 'test/integration/kit-serve.test.ts'],
])('jest finds the tests that a source is related to: %s', (source, test) => {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const args = [jest, '--listTests', '--findRelatedTests', join(root, source)];
  const found = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  expect(found.map((file) => relative(root, file))).toContain(test);
});
