// Comes with jest.
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * Long ones that are started last have the suite wait for them alone. Without a cache, as in CI, only sizes are known. The
 * second one collects garbage all the time, of which a process that has run other files has more.
 */
const longest = [
  'test/e2e/installed.test.ts',
  'test/differential/differential.test.ts',
  'test/unit/gateway/graph/operation-sizes.test.ts',
  'test/integration/operation-memory.test.ts',
  'test/integration/registry-killed.test.ts',
  'test/integration/gateway-usage.test.ts',
  'test/integration/slow-plans.test.ts',
  'test/contracts/cache-store-load.test.ts',
];

module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const first = longest.flatMap((name) => sorted.filter(({ path }) => path.endsWith(name)));
    return [...first, ...sorted.filter((test) => !first.includes(test))];
  }
};
