import { setImmediate as nextTurn } from 'node:timers/promises';
import { type PlanWaiter } from '../../../../gateway/admission/plan-waits';
import { ReadingTurns } from '../../../../gateway/admission/reading-turns';

let freed: number;
let turns: ReadingTurns;
beforeEach(() => {
  freed = 0;
  turns = new ReadingTurns({ limit: 5 });
  turns.onWait = () => freed++;
});

function requestOf(sender: string, received = 100) {
  const releases: (() => void)[] = [];
  const request = {
    sender,
    received,
    isGone: false as boolean,
    abort: jest.fn(),
    onSettle: (release: () => void) => void releases.push(release),
  } satisfies PlanWaiter;
  return {
    request,
    leave: () => {
      request.isGone = true;
      for (const release of releases) release();
    },
  };
}

/** Of milliseconds. Goes on only with work. */
let now: number;
beforeEach(() => {
  now = 1000;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});

/** Reads for so many milliseconds, in several steps. */
const reading =
  (milliseconds: number, done: () => void = () => undefined) =>
  async (): Promise<string> => {
    now += milliseconds;
    await Promise.resolve();
    await Promise.resolve();
    done();
    return 'read';
  };

it('reads one operation after the other, and sees other work after a slice: senders in turn', async () => {
  const seen: string[] = [];
  let isOver = false as boolean;
  const asked = ['a1', 'a2', 'a3', 'b1'].map((name) =>
    turns.read(
      requestOf(name[0]!).request,
      reading(2.5, () => seen.push(name)),
    ),
  );
  void Promise.all(asked).then(() => (isOver = true));
  expect(turns.size).toBe(4);
  expect(freed).toBe(4);
  while (!isOver) {
    await nextTurn();
    if (seen.at(-1) !== '-') seen.push('-');
  }
  expect(seen).toEqual(['a1', 'b1', '-', 'a2', 'a3', '-']);
  expect(turns.size).toBe(0);
});

it('never reads two at the same time in one slice', async () => {
  let count = 0;
  let most = 0;
  const read = async (): Promise<void> => {
    most = Math.max(most, ++count);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    count--;
  };
  await Promise.all(Array.from({ length: 5 }, () => turns.read(requestOf('a').request, read)));
  expect(most).toBe(1);
});

it('goes on in the next slice while reading waits for something else', async () => {
  let settle!: () => void;
  const hung = turns.read(requestOf('a').request, () => new Promise<void>((resolve) => (settle = resolve)));
  expect(await turns.read(requestOf('a').request, reading(1))).toBe('read');
  settle();
  await hung;
});

it('does not wait where nobody else does', async () => {
  let isOver = false as boolean;
  void nextTurn().then(() => (isOver = true));
  await turns.read(requestOf('a').request, reading(1));
  expect(isOver).toBe(false);
});

it('rejects as reading does', async () => {
  const failing = turns.read(requestOf('a').request, () => Promise.reject(new Error('not valid')));
  await expect(failing).rejects.toThrow('not valid');
});

it('refuses the newest requests of the sender with the most beyond the limit, a large one the sooner', async () => {
  const asked = ['a', 'a', 'b'].map((sender) => turns.read(requestOf(sender).request, reading(1)));
  const large = requestOf('a', 12_000);
  const read = jest.fn(reading(1));
  const refused = expect(turns.read(large.request, read)).rejects.toMatchObject({
    extensions: { code: 'REQUEST_CONCURRENCY_LIMITED' },
  });
  await Promise.all([...asked, refused]);
  expect(large.request.abort).toHaveBeenCalledTimes(1);
  expect(read).not.toHaveBeenCalled();
});

it('reads nothing for a request whose client has left', async () => {
  const requests = [requestOf('a'), requestOf('a'), requestOf('a')];
  const seen: string[] = [];
  const asked = requests.map(({ request }, i) =>
    turns
      .read(
        request,
        reading(1, () => seen.push(`${i}`)),
      )
      .catch(() => seen.push(`${i} left`)),
  );
  requests[1]!.leave();
  await Promise.all(asked);
  expect(seen).toEqual(['1 left', '0', '2']);
  expect(turns.size).toBe(0);
});
