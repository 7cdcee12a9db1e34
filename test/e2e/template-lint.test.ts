/** The templates in `test/unit/cli/package/template/golden/` by cfn-lint (`pip install cfn-lint`), which may not be here. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { saySkipped, whySkipped } from '../support/programs';

/** `WEIR_TEST_CFN_LINT`, else the one of the path. */
const linter = [process.env['WEIR_TEST_CFN_LINT'], 'cfn-lint'].find(
  (command) => command !== undefined && spawnSync(command, ['--version']).status === 0,
);
if (linter === undefined)
  saySkipped('the lints of templates', whySkipped('no cfn-lint (pip install cfn-lint)'));

const folder = join(__dirname, '../unit/cli/package/template/golden');

(linter === undefined ? it.skip : it)('finds nothing wrong in templates', () => {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const { stdout, status } = spawnSync(linter!, files, { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
});
