import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readerIn, stepsOf } from '../support/page-steps';
import { endAll } from '../support/process';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/getting-started.md'), 'utf8');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'weir-e2e-')));
const reader = readerIn(folder);

beforeAll(() => {
  // As `npm install` leaves it, for who takes a folder.
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/weir'));
  symlinkSync(join(root, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  symlinkSync('../weir/cli/weir.mjs', join(folder, 'node_modules/.bin/weir'));
});
afterAll(async () => {
  await reader.stop();
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('docs/getting-started.md', () => {
  it('leads from an empty folder to an answer of two services in less than ten seconds of a machine, and on to an event', async () => {
    let spent = 0;
    let answers = 0;
    for (const step of stepsOf(page)) {
      const since = performance.now();
      await reader.take(step);
      if ('answer' in step) answers++;
      if (answers < 2) spent += performance.now() - since;
    }

    expect(answers).toBe(4);
    expect(spent).toBeLessThan(10_000 * crowding());
  });
});

/** How many processes wait for a core: a promise in seconds is one for a machine that has nothing else to do. */
function crowding(): number {
  return Math.max(1, loadavg()[0]! / availableParallelism());
}
