/** gateway/: what it loads late. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../../..');

it('of the gateway are all found by a bundler, but for what runs bundles, and a package that need not be there', () => {
  const files = readdirSync(join(root, 'gateway'), { recursive: true, encoding: 'utf8' });
  const hidden = files
    .filter((name) => name.endsWith('.ts') && !name.startsWith('packaged'))
    .filter((name) => readFileSync(join(root, 'gateway', name), 'utf8').includes('createRequire'));
  expect(hidden).toEqual(['code-cache/run-cached.ts', 'supergraph/apollo-manager.ts']);
});
