const { readFileSync } = require('node:fs');
// Comes with jest.
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * Long ones that are started last have the suite wait for them alone. Without a cache, as in CI, only sizes are known.
 */
const longest = [
  'test/e2e/installed.test.ts',
  'test/e2e/previews-expire.test.ts',
  'test/e2e/deploy-aws.test.ts',
  'test/e2e/console-browser.test.ts',
  'test/e2e/dev.test.ts',
  'test/e2e/package.test.ts',
  'test/e2e/extensions.test.ts',
  'test/e2e/workers.test.ts',
  'test/differential/differential.test.ts',
  'test/integration/attack-http.test.ts',
  'test/contracts/channel.test.ts',
  'test/contracts/subscribe.test.ts',
];

/** Of other files, between two end-to-end tests: these start many processes, and then wait for them. */
const between = 8;

/** They collect garbage, which takes ten times as long in a process that has run a hundred files. */
const measuresHeap = ({ path }) => /\/support\/heap'/.test(readFileSync(path, 'utf8'));

module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const heap = sorted.filter(measuresHeap);
    const long = longest.flatMap((name) => sorted.filter(({ path }) => path.endsWith(name)));
    const all = [...long, ...sorted.filter((test) => !long.includes(test) && !heap.includes(test))];
    const endToEnd = all.filter(({ path }) => path.includes('/test/e2e/'));
    const others = all.filter((test) => !endToEnd.includes(test));
    return [
      ...heap,
      ...endToEnd.flatMap((test, i) => [test, ...others.slice(i * between, (i + 1) * between)]),
      ...others.slice(endToEnd.length * between),
    ];
  }
};
