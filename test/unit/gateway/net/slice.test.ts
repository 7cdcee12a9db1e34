import { gentle, runInSlices, swift } from '../../../../gateway/net/slice';

/** Work of some milliseconds that can be left at any time. Notes its beginning and its end. */
function* work(milliseconds: number, name: string, notes: string[]): Generator<undefined, string> {
  notes.push(`${name} begins`);
  let done = 0;
  while (done < milliseconds) {
    const start = performance.now();
    while (performance.now() - start < 0.1);
    done += 0.1;
    yield;
  }
  notes.push(`${name} ends`);
  return name;
}

/** Timers that ran while something was done. */
async function timersDuring(done: Promise<unknown>): Promise<number> {
  let count = 0;
  const timer = setInterval(() => count++, 1);
  await done.finally(() => clearInterval(timer));
  return count;
}

it('resolves with the result, at any pace', async () => {
  for (const pace of [swift, gentle]) expect(await runInSlices(work(2, 'a', []), pace)).toBe('a');
});

it('rejects with what is thrown, and goes on with the next task', async () => {
  const failing = function* (): Generator<undefined, never> {
    yield;
    throw new Error('wrong');
  };
  for (const pace of [swift, gentle]) {
    await expect(runInSlices(failing(), pace)).rejects.toThrow('wrong');
    expect(await runInSlices(work(1, 'a', []), pace)).toBe('a');
  }
});

it('does several gentle tasks one after the other', async () => {
  const notes: string[] = [];
  await Promise.all(['a', 'b', 'c'].map((name) => runInSlices(work(3, name, notes), gentle)));
  expect(notes).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

it('leaves most of the time to others when it is gentle', async () => {
  // At least 10 slices of 1 ms, and 9 ms between two.
  expect(await timersDuring(runInSlices(work(10, 'a', []), gentle))).toBeGreaterThan(10);
});
