import {
  WebhookDeliveries,
  type WebhookDeliveriesOptions,
  type WebhookEvents,
} from '../../../../../gateway/supergraph/webhooks/deliveries';
import { createMetrics } from '../../../../../gateway/telemetry/metrics/metrics';
import type { Version } from '../../../../../schema';
import type { WebhookCursor, WebhookCursors } from '../../../../../schema/registry/webhook-cursors';

const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;

/** One registry, one receiver, and one time for all processes. */
let cursors: WebhookCursors;
let versions: Version[];
let time: number;
/** What the receiver got, in this order. */
let got: { readonly process: string; readonly version: number }[];
/** What the receiver does next; it takes everything else. */
let failures: (string | (() => Promise<void>))[];

beforeEach(() => {
  cursors = cursorsInMemory();
  versions = [];
  time = Date.parse('2026-12-01T12:00:00Z');
  got = [];
  failures = [];
});

function cursorsInMemory(): WebhookCursors {
  let found: { cursor: WebhookCursor; revision: number } | undefined;
  return {
    get: async () => found,
    list: async () => ({}),
    async put(_, cursor, expected) {
      if (expected !== (found?.revision ?? 0)) return false;
      found = { cursor, revision: expected + 1 };
      return true;
    },
  };
}

function publish(kind: Version['kind'] = 'published', at = new Date(time).toISOString()): void {
  versions.push({ number: versions.length + 1, kind, at, by: 'ana', changes: {}, subgraphs: {} });
}

function startProcess(name = 'a', more: Partial<WebhookDeliveriesOptions> = {}) {
  const metrics = createMetrics();
  const log: string[] = [];
  const write = (facts: object, message: string) => void log.push(`${message} ${JSON.stringify(facts)}`);
  const events: WebhookEvents = {
    name: 'shop@prod',
    current: async () => versions.at(-1),
    version: async (number) => versions[number - 1]!,
    errors: async () => [],
    webhooks: cursors,
  };
  const deliveries = new WebhookDeliveries({
    webhook: 'deploys',
    events: ['published', 'rejected', 'rolled-back', 'ended'],
    async send({ body }) {
      const failure = failures.shift();
      if (typeof failure === 'string') throw new Error(failure);
      await failure?.();
      got.push({ process: name, version: JSON.parse(body).data.version });
    },
    open: async () => events,
    logger: { info: write, warn: write, error: write } as never,
    meter: metrics.meter,
    clock: {
      ...{ now: () => time, monotonic: () => time, random: () => 1 },
      wait: () => new Promise((resolve) => setTimeout(resolve, 5)),
    },
    ...more,
  });
  const results = () =>
    Object.fromEntries(
      metrics.meter
        .collect(new Set(['weir.registry.webhooks']))
        .flatMap(({ series }) => series.map(({ attributes, value }) => [attributes['result'], value])),
    );
  /** Looks as often as the deliveries want to within a time, which then has passed. */
  const run = async (milliseconds: number) => {
    const end = time + milliseconds;
    for (;;) {
      const pause = await deliveries.look();
      if (time + pause > end) break;
      time += pause;
    }
    time = end;
  };
  return { deliveries, events, log, results, run, look: () => deliveries.look() };
}

const gotVersions = () => got.map(({ version }) => version);

it('begins with the version after the one that was there', async () => {
  publish();
  const { look } = startProcess();
  await look();
  publish();
  publish('rejected');
  publish('rolled-back');
  await look();
  expect(gotVersions()).toEqual([2, 3, 4]);
  await look();
  expect(gotVersions()).toHaveLength(3);
});

it('delivers the first version of a graph that has none yet', async () => {
  const { look } = startProcess();
  await look();
  publish('rejected');
  await look();
  expect(gotVersions()).toEqual([1]);
});

it('sends only the kinds of events that the receiver wants', async () => {
  const { look, events } = startProcess('a', { events: ['rejected'] });
  await look();
  publish();
  publish('rejected');
  publish();
  await look();
  expect(gotVersions()).toEqual([2]);
  expect((await events.webhooks.get('deploys'))?.cursor).toMatchObject({ delivered: 3, attempts: 0 });
});

it('tries again later and later, at most every five minutes, and keeps the order', async () => {
  const { look, results, log } = startProcess();
  await look();
  publish();
  publish();
  failures = new Array<string>(12).fill('HTTP status 500');
  const pauses: number[] = [];
  while (failures.length > 0) {
    const pause = await look();
    pauses.push(pause / second);
    time += pause;
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
  expect(got).toEqual([]);
  await look();
  expect(gotVersions()).toEqual([1, 2]);
  expect(results()).toEqual({ failed: 12, delivered: 2 });
  expect(log[0]).toBe(
    'the event of a webhook could not be delivered {"webhook":"deploys","version":1,"attempts":1,"reason":"HTTP status 500","retryIn":1000}',
  );
});

it('keeps when an attempt failed and why, and the last delivery, whichever process sends', async () => {
  const [a, b] = [startProcess('a'), startProcess('b')];
  const cursor = async () => (await a.events.webhooks.get('deploys'))?.cursor;
  await a.look();
  const began = time;
  publish();
  failures = ['x'.repeat(9_000), 'HTTP status 500'];
  time += await a.look();
  expect(await cursor()).toMatchObject({
    ...{ delivered: 0, attempts: 1, isSending: false },
    failure: { version: 1, at: new Date(began).toISOString(), attempts: 1, reason: 'x'.repeat(500) },
  });
  await a.look();
  const failure = {
    ...{ version: 1, at: new Date(time).toISOString(), attempts: 2 },
    ...{ reason: 'HTTP status 500', isDropped: false },
  };
  expect(await cursor()).toMatchObject({ delivered: 0, failure });
  await b.run(minute);
  expect(gotVersions()).toEqual([1]);
  publish();
  await a.run(10 * second);
  const delivery = { version: 2, at: expect.any(String) as string };
  expect(await cursor()).toMatchObject({ delivered: 2, delivery, failure });
});

it('delivers everything after a receiver was down for an hour', async () => {
  const { look, run } = startProcess();
  await look();
  let isDown = true;
  const down = async () => {
    failures.push(down);
    if (isDown) throw new Error('connect ECONNREFUSED');
  };
  failures.push(down);
  for (let i = 0; i < 12; i++) {
    publish();
    await run(5 * minute);
  }
  expect(got).toEqual([]);
  isDown = false;
  await run(5 * minute);
  expect(gotVersions()).toEqual(versions.map(({ number }) => number));
});

describe('several processes', () => {
  it('send each event once, in order', async () => {
    const processes = ['a', 'b', 'c'].map((name) => startProcess(name));
    await Promise.all(processes.map(({ look }) => look()));
    for (let i = 0; i < 5; i++) {
      publish();
      publish();
      await Promise.all(processes.map(({ look }) => look()));
    }
    for (let i = 0; i < 10; i++) {
      time += 5 * second;
      for (const { look } of processes) await look();
    }
    expect(gotVersions()).toEqual(versions.map(({ number }) => number));
  });

  it('leave an event alone that another one sends', async () => {
    const [a, b] = [startProcess('a'), startProcess('b')];
    await a.look();
    publish();
    const held: (() => void)[] = [];
    failures = [() => new Promise((resolve) => held.push(resolve))];
    const sending = a.look();
    await until(() => held.length > 0);
    for (let waited = 0; waited < 30; waited += 5) {
      await b.look();
      time += 5 * second;
    }
    expect(got).toEqual([]);
    held[0]!();
    await sending;
    publish();
    await b.look();
    expect(got).toEqual([
      { process: 'a', version: 1 },
      { process: 'b', version: 2 },
    ]);
  });

  it('take over from one that was killed, with the event that it was sending', async () => {
    const [a, b] = [startProcess('a'), startProcess('b')];
    await a.look();
    publish();
    publish();
    // It never comes back.
    let isSending = false;
    failures = [
      () => {
        isSending = true;
        return new Promise(() => undefined);
      },
    ];
    void a.look();
    await until(() => isSending);
    await b.run(29 * second);
    expect(got).toEqual([]);
    await b.run(5 * second);
    expect(got).toEqual([
      { process: 'b', version: 1 },
      { process: 'b', version: 2 },
    ]);
  });

  it('do not shorten the pause of an event that fails', async () => {
    const [a, b] = [startProcess('a'), startProcess('b')];
    await a.look();
    publish();
    failures = new Array<string>(10).fill('HTTP status 500');
    for (let i = 0; i < 10; i++) time += await a.look();
    // The tenth attempt waits for five minutes; the process that made it is killed.
    time -= 300 * second;
    await b.run(300 * second);
    expect(got).toEqual([]);
    await b.run(10 * second);
    expect(gotVersions()).toEqual([1]);
  });
});

it('does not send when its claim took so long to write that another process may have taken over', async () => {
  const { events, look, deliveries } = startProcess();
  await look();
  publish();
  const { webhooks } = events;
  Object.assign(events, {
    webhooks: {
      ...webhooks,
      async put(...args: Parameters<typeof webhooks.put>) {
        time += 25 * second;
        return webhooks.put(...args);
      },
    },
  });
  expect(await deliveries.look()).toBe(0);
  expect(got).toEqual([]);
  Object.assign(events, { webhooks });
  await look();
  expect(gotVersions()).toEqual([1]);
});

it('gives an attempt back when it is stopped, so that another process makes it at once', async () => {
  const metrics = createMetrics();
  const [a, b] = [
    startProcess('a', {
      meter: metrics.meter,
      send: (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('')))),
    }),
    startProcess('b'),
  ];
  await b.look();
  publish();
  a.deliveries.start();
  await until(async () => (await a.events.webhooks.get('deploys'))?.cursor.isSending);
  await a.deliveries.stop();
  await b.look();
  expect(got).toEqual([{ process: 'b', version: 1 }]);
  metrics.close();
});

describe('an event that cannot be delivered', () => {
  it('is dropped when it is older than three days, and those after it are tried less and less often, too', async () => {
    const { look, run, results, log } = startProcess();
    await look();
    publish();
    publish();
    const down = async () => {
      failures.push(down);
      throw new Error('HTTP status 404');
    };
    failures.push(down);
    await run(3 * day - minute);
    expect(results()['dropped']).toBeUndefined();
    await run(20 * minute);
    expect(results()['dropped']).toBe(2);
    expect((await cursors.get('deploys'))?.cursor).toMatchObject({
      delivered: 2,
      failure: { version: 2, isDropped: true },
    });
    expect(log.at(-1)).toContain('is too old for another attempt {"webhook":"deploys","version":2');
    failures = [];
    publish();
    await run(10 * minute);
    expect(gotVersions()).toEqual([3]);
  });

  it('is sent at least once, however wrong the clock of its publisher was', async () => {
    const { look } = startProcess();
    await look();
    publish('published', '2020-01-01T00:00:00Z');
    await look();
    expect(gotVersions()).toEqual([1]);
  });

  it('is dropped when 10,000 newer ones wait', async () => {
    const { look, results, log } = startProcess();
    await look();
    for (let i = 0; i < 10_002; i++) publish();
    failures = ['HTTP status 500', 'HTTP status 500'];
    await look();
    await look();
    expect(results()).toEqual({ dropped: 2, failed: 2 });
    expect(log[0]).toContain('too many are not delivered {"webhook":"deploys","count":2}');
  });
});

it('logs once that the registry cannot be read, and goes on when it can', async () => {
  const { events, log, deliveries } = startProcess();
  await events.webhooks.put('deploys', { delivered: 0, attempts: 0, by: 'test', isSending: false }, 0);
  publish();
  let reads = 0;
  const { current } = events;
  Object.assign(events, {
    current: async () => {
      if (++reads < 3) throw new Error('The registry cannot be used.');
      return current();
    },
  });
  deliveries.start();
  await until(() => got.length === 1);
  await deliveries.stop();
  expect(log.filter((line) => line.includes('cannot be read or written'))).toHaveLength(1);
});

async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
