/** package.json: its `engines`, of which docs/install.md tells. */
import { subset } from 'semver';
import { engines } from '../../package.json';
import { lockedPackages } from '../support/installed-package';

/**
 * They declare Node 22, though they run on Node 20, on which these tests run in CI. Whoever depends on them leaves no
 * choice: Fastify on `cookie`, Apollo Server and GraphiQL on the others. docs/install.md says what npm says of them.
 */
const declaresMore = ['@whatwg-node/disposablestack', '@whatwg-node/promise-helpers', 'cookie'];

describe('`engines`', () => {
  it('is true of each dependency: it takes every Node that Weir takes', () => {
    const refuses = Object.entries(lockedPackages()).flatMap(([path, { dev, engines: theirs }]) =>
      path === '' || dev || theirs?.node === undefined || subset(engines.node, theirs.node)
        ? []
        : [path.split('node_modules/').at(-1)],
    );
    expect(refuses.sort()).toEqual(declaresMore);
  });

  it('is true of each dependency from Node 22 on, without an exception', () => {
    const [, later] = engines.node.split(' || ');
    for (const [path, { dev, engines: theirs }] of Object.entries(lockedPackages()))
      if (path !== '' && !dev && theirs?.node !== undefined)
        expect([path, subset(later!, theirs.node)]).toEqual([path, true]);
  });
});
