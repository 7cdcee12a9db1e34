/**
 * Whether tests use other programs than Node, such as a cache server: in `npm run test:e2e`, `npm run test:long` and `.ci/run`.
 * `npm test` needs only Node, and runs the same tests on every machine.
 */
export const usesPrograms = process.env['WEIR_E2E'] !== undefined || process.env['WEIR_LONG'] !== undefined;

/** Why tests are skipped that need a program which is not found. */
export const whySkipped = (missing: string): string =>
  usesPrograms ? `${missing} here` : 'npm run test:e2e runs them';

/** Reports in the output of the tests that those of `what` are skipped, and why. */
export function saySkipped(what: string, why: string): void {
  process.stderr.write(`\n${what.toUpperCase()} ARE SKIPPED: ${why}.\n\n`);
}
