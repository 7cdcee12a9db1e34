import {
  ConnectionPacing,
  type Pace,
} from '../../../../../gateway/subgraph-calls/subscriptions/connection-pacing';

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
  expect(new ConnectionPacing().hold('a').step).toBeUndefined();
});

it('waits twice as long each time, up to a limit', async () => {
  const pace = new ConnectionPacing(longest).hold('a');
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) waits.push(await waited(pace));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
});

it('jitters waits, from one half of them up', async () => {
  expect(await waited(new ConnectionPacing({ ...longest, random: () => 0 }).hold('a'))).toBe(500);
});

it('waits shortly again after a connection that lasted', async () => {
  const pace = new ConnectionPacing(longest).hold('a');
  for (let i = 0; i < 4; i++) await waited(pace);
  pace.opened();
  await after(11_000);
  expect(await waited(pace)).toBe(1_000);
});

it('waits longer after each attempt that hangs, however long it hangs', async () => {
  const pace = new ConnectionPacing(longest).hold('a');
  const waits: number[] = [];
  for (let i = 0; i < 3; i++) {
    waits.push(await waited(pace));
    await after(11_000);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000]);
});

it('counts the life of a connection from when the first of those who share it has it', async () => {
  const pace = new ConnectionPacing(longest).hold('a');
  await waited(pace);
  pace.opened();
  await after(6_000);
  pace.opened();
  await after(6_000);
  expect(await waited(pace)).toBe(1_000);
});

it('has those who share a connection wait together, and those who come meanwhile', async () => {
  const pacing = new ConnectionPacing(longest);
  const [one, two] = [pacing.hold('a'), pacing.hold('a')];
  one.failed();
  await after(500);
  two.failed();
  expect(two.step).toBe(one.step);
  expect(pacing.hold('a').step).toBe(one.step);
  expect(pacing.hold('b').step).toBeUndefined();
});

/** Holds that many connections, and counts those that may be opened. */
function hold(pacing: ConnectionPacing, count: number) {
  const ready: Pace[] = [];
  const held = Array.from({ length: count }, (_, i) => {
    const pace = pacing.hold(`${count} ${i}`);
    if (pace.step === undefined) ready.push(pace);
    else void pace.step.then(() => ready.push(pace));
    return pace;
  });
  return { held, ready };
}

it('opens first connections one after the other until one is open, and then all', async () => {
  const { ready } = hold(new ConnectionPacing({ perSecond: 20 }), 1_000);
  expect(ready).toHaveLength(1);
  await after(1_000);
  expect(ready).toHaveLength(21);
  ready[0]!.opened();
  await after(0);
  expect(ready).toHaveLength(1_000);
});

it('lets first connections be opened at once while another one is open', () => {
  const pacing = new ConnectionPacing();
  pacing.hold('a').opened();
  expect(hold(pacing, 1_000).ready).toHaveLength(1_000);
});

it('opens at most so many connections in a second, whatever the keys, when all have broken', async () => {
  const pacing = new ConnectionPacing({ ...longest, perSecond: 20 });
  const { held, ready } = hold(pacing, 100);
  ready[0]!.opened();
  await after(0);
  for (const pace of ready) pace.opened();
  let opened = 0;
  for (const pace of held) {
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

it('opens no more first connections in a second while a subgraph fails, and until it has worked for 10 s', async () => {
  const pacing = new ConnectionPacing({ ...longest, perSecond: 20 });
  const only = pacing.hold('a');
  only.failed();
  only.release();
  const { ready } = hold(pacing, 1_000);
  await after(10_000);
  expect(ready).toHaveLength(200);
  ready[0]!.opened();
  await after(9_900);
  expect(ready).toHaveLength(398);
  ready[1]!.opened();
  await after(0);
  expect(ready).toHaveLength(398);
  expect(pacing.hold('new').step).toBeDefined();
  await after(100);
  ready[2]!.opened();
  await after(0);
  expect(ready).toHaveLength(1_000);
  expect(pacing.hold('newer').step).toBeUndefined();
});

it('lets first connections be opened at once as soon as nobody waits for a subgraph that failed', async () => {
  const pacing = new ConnectionPacing({ ...longest, perSecond: 20 });
  const only = pacing.hold('a');
  only.failed();
  expect(hold(pacing, 1).ready).toHaveLength(0);
  await after(1_100);
  only.opened();
  expect(hold(pacing, 1_000).ready).toHaveLength(1_000);
});

it('has a subgraph without connections tried at once again, as one that has not failed', async () => {
  const pacing = new ConnectionPacing({ ...longest, perSecond: 20 });
  for (let i = 0; i < 3; i++) {
    const { held, ready } = hold(pacing, 100);
    await after(50);
    ready[0]!.opened();
    await after(0);
    expect(ready).toHaveLength(100);
    for (const pace of held) pace.release();
  }
});

it('gives no turn to those who have left', async () => {
  const pacing = new ConnectionPacing({ ...longest, perSecond: 1 });
  const left = Array.from({ length: 100 }, (_, i) => pacing.hold(String(i)));
  for (const pace of left) pace.failed();
  await after(500);
  for (const pace of left) {
    pace.release();
    pace.release();
  }
  const pace = pacing.hold('last');
  expect(await waited(pace)).toBeLessThanOrEqual(1_010);
});

it('has those wait for the end of a back-off who come when nobody holds the key any more', async () => {
  const pacing = new ConnectionPacing(longest);
  const waits: number[] = [];
  for (let i = 0; i < 3; i++) {
    const pace = pacing.hold('a');
    waits.push(await waited(pace));
    pace.release();
    await after(50);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000]);
  const failed = pacing.hold('a');
  failed.failed();
  failed.release();
  await after(7_900);
  const next = pacing.hold('a');
  expect(next.step).toBeDefined();
  await after(200);
  expect(next.step).toBeUndefined();
});

it('forgets a key that nobody holds after the longest wait, and at once if it never failed', async () => {
  const pacing = new ConnectionPacing(longest);
  pacing.hold('b').release();
  expect(jest.getTimerCount()).toBe(1);
  const pace = pacing.hold('a');
  await waited(pace);
  await waited(pace);
  pace.release();
  await after(8_000);
  expect(jest.getTimerCount()).toBe(0);
  expect(await waited(pacing.hold('a'))).toBe(1_000);
});

it('waits for nobody who has a connection of their own and has left', async () => {
  const pacing = new ConnectionPacing(longest);
  for (let i = 0; i < 100; i++) {
    const pace = pacing.hold(undefined);
    pace.failed();
    pace.release();
  }
  await after(100);
  expect(jest.getTimerCount()).toBe(0);
});

it('10,000 subscriptions in 100 scopes outlive a subgraph by one connect for each scope and back-off step', async () => {
  let seed = 1;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const pacing = new ConnectionPacing({ random });
  const scopes = Array.from({ length: 100 }, (_, scope) =>
    Array.from({ length: 100 }, () => pacing.hold(String(scope))),
  );
  const connects: { readonly scope: number; readonly at: number }[] = [];
  let isDead = false;
  const connect = async (scope: number): Promise<void> => {
    const [{ step }] = scopes[scope] as [Pace];
    expect(scopes[scope]!.every((pace) => pace.step === step)).toBe(true);
    await step;
    connects.push({ scope, at: performance.now() });
    setTimeout(() => {
      for (const pace of scopes[scope]!) pace[isDead ? 'failed' : 'opened']();
      if (isDead) void connect(scope);
    }, 2);
  };
  for (let scope = 0; scope < 100; scope++) void connect(scope);
  await after(100);
  expect(connects).toHaveLength(100);

  isDead = true;
  connects.length = 0;
  const died = performance.now();
  for (const [scope, paces] of scopes.entries()) {
    for (const pace of paces) pace.failed();
    void connect(scope);
  }
  await after(20_000);
  isDead = false;
  await after(40_000);

  for (const { at } of connects)
    expect(connects.filter((each) => each.at >= at && each.at < at + 1_000).length).toBeLessThanOrEqual(20);
  for (let scope = 0; scope < 100; scope++) {
    const times = connects.filter((each) => each.scope === scope).map(({ at }) => at);
    times.forEach((at, i) => {
      // The queue makes it more.
      expect(at - (times[i - 1] ?? died)).toBeGreaterThanOrEqual(Math.min(5_000, 250 * 2 ** i) / 2);
    });
    expect(times.length).toBeLessThanOrEqual(12);
    expect(scopes[scope]!.every((pace) => pace.step === undefined)).toBe(true);
  }
});
