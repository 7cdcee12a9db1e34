// Comes with jest.
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * Long ones that are started last have the suite wait for them alone. Without a cache, as in CI, only sizes are known. The
 * second one collects garbage all the time, of which a process that has run other files has more.
 */
const longest = [
  'test/e2e/installed.test.ts',
  'test/e2e/dev.test.ts',
  'test/e2e/workers.test.ts',
  'test/e2e/registry-swaps.test.ts',
  'test/e2e/attack-memory.test.ts',
  'test/differential/differential.test.ts',
  'test/unit/gateway/graph/operation-sizes.test.ts',
  'test/integration/operation-memory.test.ts',
  'test/integration/registry-killed.test.ts',
  'test/integration/gateway-usage.test.ts',
  'test/integration/slow-plans.test.ts',
  'test/contracts/cache-store-load.test.ts',
];

/** Of other files, between two end-to-end tests: these start many processes, and then wait for them. */
const between = 8;

module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const first = longest.flatMap((name) => sorted.filter(({ path }) => path.endsWith(name)));
    const all = [...first, ...sorted.filter((test) => !first.includes(test))];
    const endToEnd = all.filter(({ path }) => path.includes('/test/e2e/'));
    const others = all.filter((test) => !endToEnd.includes(test));
    return [
      ...endToEnd.flatMap((test, i) => [test, ...others.slice(i * between, (i + 1) * between)]),
      ...others.slice(endToEnd.length * between),
    ];
  }
};
