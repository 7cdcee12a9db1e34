/**
 * Which test files .ci/run runs once more, alone, and what comes of both runs; both are reports of `jest --json`.
 *
 * `node .ci/second-run.cjs files FIRST` prints the files, one a line.
 * `node .ci/second-run.cjs total FIRST SECOND` prints how many tests have passed, have failed and were skipped; then a line
 * for each test that failed beside others, and passed alone.
 */
const { readFileSync } = require('node:fs');
const { relative } = require('node:path');

/** Where more of them fail, it is no matter of what runs beside them. */
const most = 3;

/** The files that failed, if they are few. */
function filesToRunAgain({ testResults }) {
  const failed = testResults.filter(({ status }) => status === 'failed');
  return failed.length <= most ? failed.map(({ name }) => name) : [];
}

/** The counts of all tests, where a file that ran twice counts as the second time, and those that failed only at first. */
function totalOf(first, second = { testResults: [] }) {
  const again = new Map(second.testResults.map((result) => [result.name, result]));
  const last = first.testResults.map((result) => again.get(result.name) ?? result);
  const count = (status) =>
    last.flatMap(({ assertionResults }) => assertionResults.filter((test) => test.status === status)).length;
  return {
    passed: count('passed'),
    failed: count('failed') + last.filter(isBroken).length,
    skipped: count('pending'),
    flaky: first.testResults.flatMap((result) => flakyOf(result, again.get(result.name))),
  };
}

/** A file that could not be run. */
const isBroken = ({ status, assertionResults }) =>
  status === 'failed' && assertionResults.every((test) => test.status !== 'failed');

/** The names of what failed in the first run of a file, and passed in the second one. */
function flakyOf(first, second) {
  if (second === undefined) return [];
  const file = relative(process.cwd(), first.name);
  if (isBroken(first)) return second.status === 'passed' ? [file] : [];
  const names = (result, status) =>
    result.assertionResults.filter((test) => test.status === status).map(({ fullName }) => fullName);
  const passed = new Set(names(second, 'passed'));
  return names(first, 'failed').flatMap((name) => (passed.has(name) ? [`${file} › ${name}`] : []));
}

module.exports = { filesToRunAgain, totalOf };

if (require.main === module) {
  const [what, ...files] = process.argv.slice(2);
  const [first, second] = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  if (what === 'files') for (const file of filesToRunAgain(first)) console.log(file);
  if (what === 'total') {
    const { passed, failed, skipped, flaky } = totalOf(first, second);
    console.log(passed, failed, skipped);
    for (const name of flaky) console.log(`flaky: ${name} failed beside others and passed alone`);
  }
}
