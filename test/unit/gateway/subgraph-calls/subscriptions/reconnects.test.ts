import { type Pace, Reconnects } from '../../../../../gateway/subgraph-calls/subscriptions/reconnects';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const after = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
const longest = { first: 1_000, longest: 8_000, random: () => 1 };

/** How long it takes until the next attempt. */
async function waited(pace: Pace): Promise<number> {
  pace.failed();
  const start = performance.now();
  let end: number | undefined;
  void pace.step!.then(() => (end = performance.now()));
  while (end === undefined) await after(10);
  return Math.round((end - start) / 10) * 10;
}

it('lets a first connection be opened at once', () => {
  expect(new Reconnects().hold('a').step).toBeUndefined();
});

it('waits twice as long each time, up to a limit', async () => {
  const pace = new Reconnects(longest).hold('a');
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) waits.push(await waited(pace));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
});

it('jitters waits, from one half of them up', async () => {
  expect(await waited(new Reconnects({ ...longest, random: () => 0 }).hold('a'))).toBe(500);
});

it('waits shortly again after a connection that lasted', async () => {
  const pace = new Reconnects(longest).hold('a');
  for (let i = 0; i < 4; i++) await waited(pace);
  pace.opened();
  await after(11_000);
  expect(await waited(pace)).toBe(1_000);
});

it('waits longer after each attempt that hangs, however long it hangs', async () => {
  const pace = new Reconnects(longest).hold('a');
  const waits: number[] = [];
  for (let i = 0; i < 3; i++) {
    waits.push(await waited(pace));
    await after(11_000);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000]);
});

it('counts the life of a connection from when the first of those who share it has it', async () => {
  const pace = new Reconnects(longest).hold('a');
  await waited(pace);
  pace.opened();
  await after(6_000);
  pace.opened();
  await after(6_000);
  expect(await waited(pace)).toBe(1_000);
});

it('has those who share a connection wait together, and those who come meanwhile', async () => {
  const reconnects = new Reconnects(longest);
  const [one, two] = [reconnects.hold('a'), reconnects.hold('a')];
  one.failed();
  await after(500);
  two.failed();
  expect(two.step).toBe(one.step);
  expect(reconnects.hold('a').step).toBe(one.step);
  expect(reconnects.hold('b').step).toBeUndefined();
});

it('opens at most so many connections in a second, whatever the keys', async () => {
  const reconnects = new Reconnects({ ...longest, perSecond: 20 });
  let opened = 0;
  for (let i = 0; i < 100; i++) {
    const pace = reconnects.hold(String(i));
    pace.failed();
    void pace.step!.then(() => opened++);
  }
  await after(999);
  expect(opened).toBe(0);
  for (let second = 1; second <= 5; second++) {
    await after(1_000);
    expect(opened).toBeLessThanOrEqual(20 * second + 1);
    expect(opened).toBeGreaterThanOrEqual(Math.min(100, 20 * second - 1));
  }
});

it('gives no turn to those who have left', async () => {
  const reconnects = new Reconnects({ ...longest, perSecond: 1 });
  const left = Array.from({ length: 100 }, (_, i) => reconnects.hold(String(i)));
  for (const pace of left) pace.failed();
  await after(500);
  for (const pace of left) {
    pace.release();
    pace.release();
  }
  const pace = reconnects.hold('last');
  expect(await waited(pace)).toBeLessThanOrEqual(1_010);
});

it('forgets a key that nobody holds', () => {
  const reconnects = new Reconnects(longest);
  const pace = reconnects.hold('a');
  pace.failed();
  pace.release();
  expect(reconnects.hold('a').step).toBeUndefined();
});
