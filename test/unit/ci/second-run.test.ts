/** What .ci/second-run.cjs says of two runs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '../../..');
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'weir-second-run-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Files with their tests, and whether each of these has passed; one without tests could not be run. */
type Run = Readonly<Record<string, Readonly<Record<string, 'passed' | 'failed' | 'pending'>>>>;

const reportOf = (run: Run) => ({
  testResults: Object.entries(run).map(([name, tests]) => {
    const statuses = Object.values(tests);
    return {
      name: join(root, 'test', name),
      status: statuses.length === 0 || statuses.includes('failed') ? 'failed' : 'passed',
      assertionResults: Object.entries(tests).map(([fullName, status]) => ({ fullName, status })),
    };
  }),
});

function say(what: 'files' | 'total', ...runs: Run[]): string[] {
  const files = runs.map((run, i) => {
    const file = join(folder, `${i}.json`);
    writeFileSync(file, JSON.stringify(reportOf(run)));
    return file;
  });
  const said = execFileSync(process.execPath, ['.ci/second-run.cjs', what, ...files], {
    cwd: root,
    encoding: 'utf8',
  });
  return said === '' ? [] : said.trimEnd().split('\n');
}

const good = { works: 'passed', waits: 'pending' } as const;
const bad = { works: 'passed', races: 'failed' } as const;

it('runs at most three files that failed again', () => {
  expect(say('files', { a: good })).toEqual([]);
  expect(say('files', { a: bad, b: good, c: {}, d: bad })).toEqual(
    ['a', 'c', 'd'].map((name) => join(root, 'test', name)),
  );
  expect(say('files', { a: bad, b: {}, c: bad, d: bad })).toEqual([]);
});

it('counts what failed in the only run, and files that could not be run', () => {
  expect(say('total', { a: good, b: bad, c: {} })).toEqual(['2 2 1']);
});

it('counts a file that ran twice as it ran alone, and names what failed beside others only', () => {
  const first: Run = { a: good, b: { ...bad, breaks: 'failed' }, c: {} };
  expect(say('total', first, { b: { ...bad, races: 'passed', breaks: 'failed' }, c: good })).toEqual([
    '4 1 2',
    'flaky: test/b › races failed beside others and passed alone',
    'flaky: test/c failed beside others and passed alone',
  ]);
});

it('counts what fails alone only, and a file that cannot be run alone', () => {
  expect(say('total', { a: bad, b: bad }, { a: { works: 'failed', races: 'passed' }, b: {} })).toEqual([
    '1 2 0',
    'flaky: test/a › races failed beside others and passed alone',
  ]);
});
