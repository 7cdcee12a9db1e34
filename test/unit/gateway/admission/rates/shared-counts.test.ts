/** What is told to a store, and what is made of its answers. Over a real one: test/integration/shared-rates.test.ts. */
import {
  openSharedCounts,
  type SharedCount,
  SharedCounts,
} from '../../../../../gateway/admission/rates/shared-counts';
import { createMetrics, type Metrics } from '../../../../../gateway/telemetry/metrics/metrics';

type Answer = readonly (number | string)[] | Error;

class FakeRedis {
  state: 'idle' | 'open' | 'gone' | 'closed' = 'idle';
  readonly status = 'ready';
  readonly sent: { keys: string[]; rest: number[] }[] = [];
  /** What it answers to these amounts; by default they are all that was ever added. */
  answer: (amounts: number[], keys: string[]) => Answer | Promise<Answer> = (amounts) => amounts;

  async ready(): Promise<never> {
    if (this.state === 'gone') throw new Error('There is no connection.');
    this.state = 'open';
    return this as never;
  }

  async weirAdd(count: number, ...all: (string | number)[]): Promise<readonly (number | string)[]> {
    const keys = all.slice(0, count) as string[];
    const rest = all.slice(count) as number[];
    this.sent.push({ keys, rest });
    const answer = await this.answer(
      rest.filter((_, i) => i % 2 === 0),
      keys,
    );
    if (answer instanceof Error) throw answer;
    return answer;
  }

  close(): void {
    this.state = 'closed';
  }
}
let redis: FakeRedis;

const now = Date.parse('2026-05-05T12:00:00Z');
let metrics: Metrics;
let shared: SharedCounts;
const said: string[] = [];
const logger = {
  warn: (_: object, line: string) => said.push(`warn: ${line}`),
  info: (line: string) => said.push(`info: ${line}`),
} as never;
beforeEach(() => {
  jest.useFakeTimers({ now, doNotFake: ['performance'] });
  metrics = createMetrics();
  said.length = 0;
  redis = new FakeRedis();
  shared = new SharedCounts({ connection: redis, prefix: 'weir', meter: metrics.meter, logger });
});
afterEach(async () => {
  await shared.close();
  jest.useRealTimers();
  metrics.close();
});

const counts = (number: number, end = now + 60_000): SharedCount[] =>
  Array.from({ length: number }, (_, i) => ({ sharedKey: `quota:${i}`, end, used: 0, unsent: 0 }));
const pass = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
const failures = async () => Number(/weir_rates_store_failures_total (\d+)/.exec(metrics.text())?.[1] ?? 0);

const away = 'warn: the rate store is unavailable: each gateway counts for itself';
const back = 'info: the rate store is available again';
const refuses = 'warn: the rate store refuses some counts: each gateway counts those for itself';
const takes = 'info: the rate store accepts all counts again';

it('exists if the options name a store that can add', async () => {
  const open = (store: string) =>
    openSharedCounts({ store, prefix: 'p' } as never, { meter: metrics.meter, logger });
  expect(['memory:', 'dynamodb://x'].map(open)).toEqual([undefined, undefined]);
  for (const store of ['redis://x', 'rediss://x']) await open(store)!.close();
});

it('connects when there is a count to send, and not before', async () => {
  await pass(10_000);
  expect(redis.state).toBe('idle');
  shared.add(counts(1)[0]!, 1);
  await pass(99);
  expect(redis.state).toBe('idle');
  await pass(1);
  expect(redis.state).toBe('open');
});

it('sends the counts of 0.1 s in one command, and gets the totals', async () => {
  const [one, two] = counts(2);
  redis.answer = () => [17, 4];
  shared.add(one!, 3);
  shared.add(two!, 4);
  shared.add(one!, 2);
  await pass(100);
  const end = now + 70_000;
  expect(redis.sent).toEqual([
    { keys: ['{weir}:rate:quota:0', '{weir}:rate:quota:1'], rest: [5, end, 4, end] },
  ]);
  expect([one, two].map((count) => [count!.used, count!.unsent])).toEqual([
    [17, 0],
    [4, 0],
  ]);
  await pass(10_000);
  expect(redis.sent).toHaveLength(1);
  expect([said, await failures()]).toEqual([[], 0]);
});

it('adds counts made meanwhile to the totals, and sends them next', async () => {
  const [one] = counts(1);
  let answer!: (totals: number[]) => void;
  redis.answer = () => new Promise((resolve) => (answer = resolve));
  shared.add(one!, 3);
  await pass(100);
  shared.add(one!, 2);
  await pass(1000);
  expect(redis.sent).toHaveLength(1);
  answer([10]);
  await pass(0);
  expect([one!.used, one!.unsent]).toEqual([12, 2]);
  redis.answer = () => [12];
  await pass(100);
  expect(redis.sent[1]!.rest[0]).toBe(2);
  expect([one!.used, one!.unsent]).toEqual([12, 0]);
});

it('sends 500 counts at a time', async () => {
  for (const count of counts(1_200)) shared.add(count, 1);
  await pass(100);
  expect(redis.sent.map(({ keys }) => keys.length)).toEqual([500, 500, 200]);
  expect(new Set(redis.sent.flatMap(({ keys }) => keys)).size).toBe(1_200);
});

describe('a store that refuses a count', () => {
  it('gets it again with the next counts, and the failure is logged once until all are accepted', async () => {
    const [one, two] = counts(2);
    redis.answer = (amounts) => ['ERR no number', amounts[1] ?? 0];
    shared.add(one!, 3);
    shared.add(two!, 1);
    await pass(100);
    expect([one!.used, one!.unsent, two!.used]).toEqual([0, 3, 1]);
    // Alone it is not told of again.
    await pass(1_000);
    expect(redis.sent).toHaveLength(1);
    shared.add(one!, 2);
    await pass(100);
    expect([redis.sent[1]!.rest[0], one!.unsent, said, await failures()]).toEqual([5, 5, [refuses], 2]);
    redis.answer = (amounts) => amounts;
    shared.add(one!, 1);
    await pass(100);
    expect([one!.used, one!.unsent, said, await failures()]).toEqual([6, 0, [refuses, takes], 2]);
    redis.answer = () => ['ERR no number'];
    shared.add(one!, 1);
    await pass(100);
    expect(said).toEqual([refuses, takes, refuses]);
  });

  it('gets it no more after the end of its window', async () => {
    const [one] = counts(1, now + 500);
    const [, two] = counts(2);
    redis.answer = (_, keys) => keys.map((key) => (key.endsWith(':0') ? 'ERR' : 1));
    shared.add(one!, 1);
    await pass(500);
    expect(said).toEqual([refuses]);
    shared.add(two!, 1);
    await pass(100);
    expect(said).toEqual([refuses, takes]);
  });
});

describe('an unavailable store', () => {
  it('gets the remaining counts when it is available again, which is logged once', async () => {
    const [one, two] = counts(2);
    redis.answer = () => new Error('gone');
    shared.add(one!, 1);
    await pass(100);
    redis.state = 'gone';
    shared.add(two!, 2);
    await pass(500);
    expect([one!.unsent, two!.unsent]).toEqual([0, 2]);
    expect(said).toEqual([away]);
    expect(await failures()).toBeGreaterThan(4);
    expect(redis.sent).toHaveLength(1);
    redis.state = 'open';
    redis.answer = () => [7];
    await pass(100);
    // What was sent without an answer is not sent again.
    expect(redis.sent.slice(1)).toEqual([{ keys: ['{weir}:rate:quota:1'], rest: [2, now + 70_000] }]);
    expect([two!.used, two!.unsent, said]).toEqual([7, 0, [away, back]]);
    redis.answer = () => new Error('gone');
    shared.add(one!, 1);
    await pass(100);
    expect(said).toEqual([away, back, away]);
  });

  it('fails only the command that failed, and others are sent', async () => {
    const all = counts(1_200);
    let i = 0;
    redis.answer = (amounts) => (i++ === 1 ? new Error('gone') : amounts);
    for (const count of all) shared.add(count, 1);
    await pass(100);
    expect([0, 499, 500, 999, 1_000, 1_199].map((number) => all[number]!.used)).toEqual([1, 1, 0, 0, 1, 1]);
    expect([said, await failures()]).toEqual([[away], 1]);
  });

  it('gets no counts of past windows', async () => {
    redis.state = 'gone';
    const [one] = counts(1, now + 150);
    const [, two] = counts(2, now + 60_000);
    shared.add(one!, 1);
    shared.add(two!, 1);
    await pass(300);
    redis.state = 'open';
    await pass(100);
    expect(redis.sent.map(({ keys }) => keys)).toEqual([['{weir}:rate:quota:1']]);
  });

  it('gets counts again that it did not add, as it says with an error', async () => {
    const [one] = counts(1);
    redis.answer = () => Object.assign(new Error('MOVED 5798 127.0.0.1:6380'), { name: 'ReplyError' });
    shared.add(one!, 3);
    await pass(100);
    expect([one!.used, one!.unsent]).toEqual([0, 3]);
    redis.answer = (amounts) => amounts;
    await pass(100);
    expect([one!.used, one!.unsent, said]).toEqual([3, 0, [away, back]]);
  });
});

describe('at the end', () => {
  it('sends the remaining counts at once, and disconnects', async () => {
    const [one] = counts(1);
    const timers = jest.getTimerCount();
    shared.add(one!, 3);
    await shared.close();
    expect([redis.sent.length, redis.state, jest.getTimerCount()]).toEqual([1, 'closed', timers]);
    shared.add(one!, 1);
    await pass(1_000);
    expect(redis.sent).toHaveLength(1);
  });

  it('sends nothing without remaining counts', async () => {
    await shared.close();
    expect([redis.sent.length, redis.state]).toEqual([0, 'closed']);
  });

  it('waits for the command in flight, and sends what was counted meanwhile', async () => {
    const [one] = counts(1);
    let answer!: (totals: number[]) => void;
    redis.answer = () => new Promise((resolve) => (answer = resolve));
    shared.add(one!, 3);
    await pass(100);
    shared.add(one!, 2);
    let isClosed = false;
    const closing = shared.close().then(() => (isClosed = true));
    await pass(1_000);
    expect(isClosed).toBe(false);
    answer([3]);
    await pass(0);
    answer([5]);
    await closing;
    expect(redis.sent.map(({ rest }) => rest[0])).toEqual([3, 2]);
    expect([one!.used, redis.state]).toEqual([5, 'closed']);
  });
});
