/** package.json: its `engines`, of which docs/install.md tells. */
import { subset } from 'semver';
import { dependencies, engines } from '../../package.json';
import { lockedPackages, neededBy } from '../support/installed-package';

/**
 * Here as our lock file has it. Whoever installs Weir has no lock file of ours: npm takes the newest versions in the ranges,
 * which `test/e2e/installed.test.ts` has it choose.
 */
describe('`engines`', () => {
  it('is true of each dependency, so that `engine-strict` refuses none on any Node that Weir takes', () => {
    const installed = neededBy(lockedPackages(), Object.keys(dependencies));
    const refuses = Object.entries(installed).flatMap(([path, { engines: theirs }]) =>
      theirs?.node === undefined || subset(engines.node, theirs.node) ? [] : [path],
    );
    expect(refuses).toEqual([]);
  });
});
