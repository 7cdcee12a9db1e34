// Comes with jest.
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * Long ones that are started last have the suite wait for them alone. Without a cache, as in CI, only sizes are known. The
 * second one collects garbage all the time, of which a process that has run other files has more.
 */
const longest = ['test/differential/differential.test.ts', 'test/unit/gateway/graph/operation-sizes.test.ts'];

module.exports = class extends Sequencer {
  sort(tests) {
    const isLong = ({ path }) => longest.some((name) => path.endsWith(name));
    const sorted = super.sort(tests);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
};
