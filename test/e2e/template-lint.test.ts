/** The templates in `test/unit/cli/package/template/golden/` by cfn-lint (`pip install cfn-lint`), which may not be here. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** `WEIR_TEST_CFN_LINT`, else the one of the path. */
const linter = [process.env['WEIR_TEST_CFN_LINT'], 'cfn-lint'].find(
  (command) => command !== undefined && spawnSync(command, ['--version']).status === 0,
);
if (linter === undefined)
  process.stderr.write('\nNo cfn-lint here (pip install cfn-lint): THE LINT OF TEMPLATES IS SKIPPED.\n\n');

const folder = join(__dirname, '../unit/cli/package/template/golden');

(linter === undefined ? it.skip : it)('finds nothing wrong in templates', () => {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const { stdout, status } = spawnSync(linter!, files, { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
});
