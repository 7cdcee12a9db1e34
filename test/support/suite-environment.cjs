const { OwnEnvironment } = require('./environment.cjs');

/**
 * For tests that come from a package: those that `globalThis.deviations` names, a map from what they stand in and their
 * sentences to the reasons why they do not hold here, have to fail. One that passes, or that is not there any more, is an
 * error, so that the list stays true.
 */
module.exports = class extends OwnEnvironment {
  handleTestEvent({ name }, { rootDescribeBlock }) {
    if (name !== 'run_start') return;
    const { deviations } = this.global;
    const left = new Set(deviations.keys());
    for (const test of testsOf(rootDescribeBlock)) {
      const name = `${test.parent.name} › ${test.name}`;
      if (deviations.has(name)) test.failing = true;
      left.delete(name);
    }
    if (left.size > 0) throw new Error(`There are no tests of these names: ${[...left].join('; ')}.`);
  }
};

function testsOf(block) {
  return block.children.flatMap((child) => (child.type === 'test' ? [child] : testsOf(child)));
}
