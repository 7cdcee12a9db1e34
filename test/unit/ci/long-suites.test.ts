/** test/long-suites.cjs: what `npm test` leaves to `npm run test:long`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../..');
const { groups, longSuites, suitesTouchedBy } = jest.requireActual<{
  groups: readonly { readonly why: string; readonly suites: string[]; readonly sources: string[] }[];
  longSuites: readonly string[];
  suitesTouchedBy: (files: readonly string[]) => string[];
}>('../../long-suites.cjs');

it.each([...longSuites, ...groups.flatMap(({ sources }) => sources)])('%s exists', (path) => {
  expect(existsSync(join(root, path))).toBe(true);
});

it('is listed in CONTRIBUTING.md, with the same reasons', () => {
  const contributing = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  for (const { suites, why } of groups) {
    expect(contributing).toContain(why);
    for (const suite of suites)
      expect(contributing).toContain(suite.slice('test/'.length).replace('.test.ts', ''));
  }
});

it.each([
  ['a source in a folder', 'gateway/lambda/event.ts', 'test/integration/lambda-conformance.test.ts'],
  [
    'a source that is named',
    'cli/commands/rehearse-recovery.ts',
    'test/integration/rehearse-recovery.test.ts',
  ],
  ['the suite itself', 'test/e2e/streams-browser.test.ts', 'test/e2e/streams-browser.test.ts'],
])('names the suites for a change of %s', (_, changed, suite) => {
  expect(suitesTouchedBy(['README.md', changed])).toContain(suite);
});

it('names no suite for a change of something else, such as a folder whose name begins alike', () => {
  expect(
    suitesTouchedBy(['README.md', 'gateway/lambda-else/a.ts', 'cli/commands/rehearse-recovery.ts.md']),
  ).toEqual([]);
});
