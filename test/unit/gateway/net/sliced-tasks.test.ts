import { setImmediate as nextTurn } from 'node:timers/promises';
import { longestSlice } from '../../../../gateway/net/slice';
import { type SlicedTask, SlicedTasks } from '../../../../gateway/net/sliced-tasks';

/** Of milliseconds. Goes on only with work. */
let now: number;
let tasks: SlicedTasks;
beforeEach(() => {
  now = 1000;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  tasks = new SlicedTasks(500);
});
afterEach(() => {
  tasks.close();
});

/** Work of so many milliseconds, which can be left after each. */
function* work<Result>(milliseconds: number, result: Result): SlicedTask<Result> {
  for (let i = 0; i < milliseconds; i++) {
    now++;
    yield;
  }
  return result;
}

const run = (sender: string, milliseconds: number): Promise<string> =>
  tasks.run(sender, 1, () => work(milliseconds, sender));

const failureOf = (running: Promise<unknown>): Promise<unknown> =>
  running.then(
    () => 'done',
    (error: unknown) => error,
  );

/** Milliseconds of work in each turn that had any, until all have ended. */
async function turnsOf(running: readonly Promise<unknown>[]): Promise<number[]> {
  let isOver = false as boolean;
  void Promise.all(running).then(() => (isOver = true));
  const turns: number[] = [];
  while (!isOver) {
    const before = now;
    await nextTurn();
    if (now > before) turns.push(now - before);
  }
  return turns;
}

it('does a task before the next turn, but not within the caller', async () => {
  const running = run('a', 1);
  expect(now).toBe(1000);
  await Promise.resolve();
  expect(now).toBe(1001);
  expect(await running).toBe('a');
});

it('does one slice in a turn, of large tasks and of many small ones', async () => {
  for (const [count, milliseconds] of [
    [5, 100],
    [100, 1],
  ] as const) {
    const turns = await turnsOf(Array.from({ length: count }, (_, i) => run(`${i}`, milliseconds)));
    // The clock is looked at after some steps that can be left.
    expect(Math.max(...turns)).toBeLessThanOrEqual(longestSlice + 8);
    expect(turns.length).toBeGreaterThan((count * milliseconds) / (longestSlice + 8));
  }
});

it('does one slice in a turn where tasks follow each other', async () => {
  const oneByOne = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) await run('a', 1);
  };
  const turns = await turnsOf([oneByOne()]);
  expect(Math.max(...turns)).toBeLessThanOrEqual(longestSlice + 1);
  expect(turns.length).toBeLessThan(25);
});

it('lets senders take turns, and does the tasks of one sender one after another', async () => {
  const ends: string[] = [];
  const note = (name: string, running: Promise<unknown>): Promise<unknown> =>
    running.then(() => ends.push(name));
  await Promise.all([
    ...Array.from({ length: 10 }, (_, i) => note(`a${i}`, run('a', 30))),
    note('b', run('b', 1)),
  ]);
  expect(ends).toEqual(['b', ...Array.from({ length: 10 }, (_, i) => `a${i}`)]);
});

it('does others while a task waits for a promise, and goes on with it when that has settled', async () => {
  const ends: string[] = [];
  let settle!: () => void;
  const settled = new Promise<void>(
    (_, reject) => (settle = () => reject(new Error('It is not looked at.'))),
  );
  const waiting = tasks.run('a', 1, function* (): SlicedTask<void> {
    yield settled;
    ends.push('waiting');
  });
  await run('a', 1).then(() => ends.push('other'));
  for (let i = 0; i < 10; i++) await nextTurn();
  expect(ends).toEqual(['other']);
  settle();
  await waiting;
  expect(ends).toEqual(['other', 'waiting']);
});

it('rejects with what a task throws, and does the next', async () => {
  const broken = tasks.run('a', 1, function* () {
    yield;
    throw new Error('broken');
  });
  const next = run('a', 1);
  await expect(broken).rejects.toThrow('broken');
  await expect(next).resolves.toBe('a');
});

it('refuses tasks beyond their weight: the newest of the sender with the most', async () => {
  tasks = new SlicedTasks(3);
  const outcomes = ['a', 'a', 'b', 'a', 'c'].map((sender) => failureOf(run(sender, 1)));
  const limited = expect.objectContaining({
    extensions: expect.objectContaining({ code: 'REQUEST_CONCURRENCY_LIMITED' }),
  });
  expect(await Promise.all(outcomes)).toEqual(['done', limited, 'done', limited, 'done']);
});

it('rejects all tasks when it is closed, those that wait for a promise too, and those that come later', async () => {
  const closed = expect.objectContaining({ extensions: expect.objectContaining({ code: 'SHUTTING_DOWN' }) });
  const paused = tasks.run('a', 1, function* (): SlicedTask<void> {
    yield new Promise(() => undefined);
  });
  const outcomes = [paused, run('a', 100), run('b', 100)].map(failureOf);
  await nextTurn();
  tasks.close();
  expect(await Promise.all([...outcomes, failureOf(run('a', 1))])).toEqual([closed, closed, closed, closed]);
});
