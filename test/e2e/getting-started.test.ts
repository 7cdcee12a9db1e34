import { readPage } from '../support/documentation';
import { crowding, installedReader } from '../support/installed-reader';
import { stepsOf } from '../support/page-steps';

const reader = installedReader();
afterAll(() => reader.stop());

describe('docs/getting-started.md', () => {
  it('leads from an empty folder to an answer of two services in less than ten seconds of a machine, and on to an event', async () => {
    let spent = 0;
    let answers = 0;
    for (const step of stepsOf(readPage('docs/getting-started.md'))) {
      const since = performance.now();
      await reader.take(step);
      if ('answer' in step) answers++;
      if (answers < 2) spent += performance.now() - since;
    }

    expect(answers).toBe(4);
    expect(spent).toBeLessThan(10_000 * crowding());
  });
});
