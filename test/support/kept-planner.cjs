/**
 * Takes the place of `gateway/planning/planner` in the thread that plans in tests: most gateways of a test file run the same
 * supergraph, and to build its planner takes 20 to 100 ms of a processor. The last few are kept.
 */
const planner = require('../../gateway/planning/planner');

const mostKept = 4;
const kept = new Map();

exports.formatQueryPlan = planner.formatQueryPlan;
exports.buildQueryPlanner = (options) => {
  const key = JSON.stringify(options);
  const known = kept.get(key) ?? planner.buildQueryPlanner(options);
  kept.delete(key);
  kept.set(key, known);
  if (kept.size > mostKept) kept.delete(kept.keys().next().value);
  return known;
};
