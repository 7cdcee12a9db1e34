import { setImmediate as nextTurn } from 'node:timers/promises';
import { type PlanWaiter } from '../../../../gateway/admission/plan-waits';
import { ReadingTurns } from '../../../../gateway/admission/reading-turns';

let freed: number;
let turns: ReadingTurns;
beforeEach(() => {
  freed = 0;
  turns = new ReadingTurns({ limit: 5, onWait: () => freed++ });
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

it('gives one request after the other its turn, and sees other work between them: senders in turn', async () => {
  const seen: string[] = [];
  let isOver = false as boolean;
  const asked = ['a1', 'a2', 'a3', 'b1'].map((name) =>
    turns.next(requestOf(name[0]!).request).then(() => seen.push(name)),
  );
  void Promise.all(asked).then(() => (isOver = true));
  expect(turns.size).toBe(4);
  expect(freed).toBe(4);
  while (!isOver) {
    if (seen.at(-1) !== '-') seen.push('-');
    await nextTurn();
  }
  expect(seen).toEqual(['-', 'a1', '-', 'b1', '-', 'a2', '-', 'a3']);
  expect(turns.size).toBe(0);
});

it('does not wait where nobody else does', async () => {
  let isOver = false;
  void nextTurn().then(() => (isOver = true));
  await turns.next(requestOf('a').request);
  expect(isOver).toBe(false);
});

it('refuses the newest requests of the sender with the most beyond the limit, a large one the sooner', async () => {
  const asked = ['a', 'a', 'b'].map((sender) => turns.next(requestOf(sender).request));
  const large = requestOf('a', 12_000);
  const refused = expect(turns.next(large.request)).rejects.toMatchObject({
    extensions: { code: 'REQUEST_CONCURRENCY_LIMITED' },
  });
  await Promise.all([...asked, refused]);
  expect(large.request.abort).toHaveBeenCalledTimes(1);
});

it('spends no turn on a request whose client has left', async () => {
  const [first, gone, last] = [requestOf('a'), requestOf('a'), requestOf('a')];
  const seen: string[] = [];
  const asked = [first, gone, last].map(({ request }, i) =>
    turns.next(request).then(
      () => seen.push(`${i}`),
      () => seen.push(`${i} left`),
    ),
  );
  gone.leave();
  await Promise.all(asked);
  expect(seen).toEqual(['1 left', '0', '2']);
  expect(turns.size).toBe(0);
});
