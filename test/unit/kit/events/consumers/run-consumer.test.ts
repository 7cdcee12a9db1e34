import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import { z } from 'zod';
import {
  defineConsumer,
  UnprocessableEvent,
  type ConsumerScope,
  type Delivery,
  type DomainEvent,
  type Subscription,
} from '../../../../../kit';
import { runConsumer } from '../../../../../kit/events/consumers/run-consumer';
import { orderPlaced } from '../../../../support/order-events';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const deliveryOf = (changes: Partial<DomainEvent> = {}): Delivery => ({
  event: orderPlaced(changes),
  attempt: 1,
});

/** A subscription that delivers what it is given, and notes what became of it. */
function givenDeliveries(...deliveries: readonly Delivery[]) {
  const settled: Record<string, unknown> = {};
  const changes = new EventEmitter();
  const note = (delivery: Delivery, outcome: unknown): Promise<void> => {
    settled[delivery.event.id] = outcome;
    changes.emit('change');
    return Promise.resolve();
  };
  const subscription: Subscription = {
    async *receive(signal) {
      yield* deliveries;
      if (!signal.aborted) await once(signal, 'abort');
    },
    done: (delivery) => note(delivery, 'done'),
    failed: (delivery, reason, { isFinal } = {}) => note(delivery, { reason, isFinal }),
    failures: undefined as never,
    stop: () => Promise.resolve(),
  };
  return {
    subscription,
    async settled() {
      while (Object.keys(settled).length < deliveries.length) await once(changes, 'change');
      return settled;
    },
  };
}

type Handle = (event: { data: { total: number }; id: string }, scope: ConsumerScope) => Promise<void>;

/** What became of each delivery, and what was logged. */
async function run(handle: Handle, deliveries: readonly Delivery[], more: object = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) });
  const given = givenDeliveries(...deliveries);
  const consumer = defineConsumer({
    name: 'tested',
    from: { orders: { OrderPlaced: { 1: z.object({ total: z.number() }) } } },
    handle,
    ...more,
  });
  const running = runConsumer(consumer, { ...given, log, scopeOf: (_, of) => of as ConsumerScope });
  const result = await given.settled();
  await running.stop();
  return { settled: result, lines };
}

it('is done with an event that was handled, whose data has only what the schema names', async () => {
  const seen: unknown[] = [];
  const delivery = deliveryOf({ data: { total: 5, other: 6 } });
  const { settled } = await run(async ({ data }) => void seen.push(data), [delivery]);
  expect(settled).toEqual({ e1: 'done' });
  expect(seen).toEqual([{ total: 5 }]);
});

it('fails an event with what the handler throws, to be repeated', async () => {
  const { settled } = await run(async () => Promise.reject(new Error('The shop is closed.')), [deliveryOf()]);
  expect(settled).toEqual({ e1: { reason: 'The shop is closed.', isFinal: false } });
});

it.each([
  [
    'has an unknown version',
    { dataversion: 3 },
    'The consumer "tested" does not know version 3 of OrderPlaced; it knows: 1.',
  ],
  [
    'has data of another shape',
    { data: { total: 'five' } },
    'The data of OrderPlaced is not as "tested" needs it: total: Invalid input: expected number, received string.',
  ],
])('puts an event that %s into the failure queue', async (_, changes, reason) => {
  const { settled } = await run(async () => undefined, [deliveryOf(changes)]);
  expect(settled).toEqual({ e1: { reason, isFinal: true } });
});

it('puts an event into the failure queue that its handler calls unprocessable', async () => {
  const { settled } = await run(
    async () => Promise.reject(new UnprocessableEvent('There is no such shop.')),
    [deliveryOf()],
  );
  expect(settled).toEqual({ e1: { reason: 'There is no such shop.', isFinal: true } });
});

it('fails an event that is not handled in time, and aborts its signal', async () => {
  let isAborted = false;
  const { settled, lines } = await run(
    (_, { signal }) =>
      once(signal, 'abort').then(async () => ((isAborted = true), new Promise(() => undefined))),
    [deliveryOf()],
    { timeout: 20 },
  );
  expect(settled).toEqual({ e1: { reason: 'The event was not handled within 20 ms.', isFinal: false } });
  expect(isAborted).toBe(true);
  expect(lines).toContainEqual(
    expect.objectContaining({ msg: 'event failed', err: expect.objectContaining({ type: 'EventTimeout' }) }),
  );
});

it('does not give an event back while its handler, which has been aborted, ends', async () => {
  let hasEnded = false;
  const slowly = async (_: unknown, { signal }: ConsumerScope): Promise<void> => {
    await once(signal, 'abort');
    await new Promise((resolve) => setTimeout(resolve, 20));
    hasEnded = true;
    throw new Error('It was cut.');
  };
  const { settled } = await run(slowly, [deliveryOf()], { timeout: 200 });
  expect(hasEnded).toBe(true);
  expect(settled).toEqual({ e1: { reason: 'The event was not handled within 200 ms.', isFinal: false } });
});

it('is done with an event whose handler ends right after its time', async () => {
  const late = async (_: unknown, { signal }: ConsumerScope): Promise<void> => {
    await once(signal, 'abort');
  };
  expect((await run(late, [deliveryOf()], { timeout: 200 })).settled).toEqual({ e1: 'done' });
});

it('has five minutes for an event', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    let end: () => void = () => undefined;
    const running = run(() => new Promise((resolve) => (end = resolve)), [deliveryOf()]);
    await jest.advanceTimersByTimeAsync(299_000);
    end();
    expect((await running).settled).toEqual({ e1: 'done' });
  } finally {
    jest.useRealTimers();
  }
});

it('aborts what is handled some time after the process begins to stop', async () => {
  const given = givenDeliveries(deliveryOf());
  let begun: () => void = () => undefined;
  const hasBegun = new Promise<void>((resolve) => (begun = resolve));
  const consumer = defineConsumer({
    name: 'tested',
    from: { orders: { OrderPlaced: { 1: z.object({}) } } },
    handle: async (_, { signal }) => {
      begun();
      await new Promise((__, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
    },
  });
  const scopeOf = (_: unknown, of: object) => of as ConsumerScope;
  const log = pino({ level: 'silent' });
  const running = runConsumer(consumer, { ...given, log, scopeOf, stopMilliseconds: 20 });
  await hasBegun;
  await running.stop();
  expect(await given.settled()).toEqual({ e1: { reason: 'The process stops.', isFinal: false } });
});

it('handles no more events at once than it should', async () => {
  let working = 0;
  let most = 0;
  const deliveries = Array.from({ length: 10 }, (_, i) => deliveryOf({ id: `e${i}`, subject: `o${i}` }));
  await run(
    async () => {
      most = Math.max(most, ++working);
      await new Promise((resolve) => setImmediate(resolve));
      working--;
    },
    deliveries,
    { concurrency: 3 },
  );
  expect(most).toBe(3);
});

it('has the ids of the event, its correlation and its trace in each line of its log', async () => {
  const { lines } = await run(async (_, { log }) => log.info('mine'), [deliveryOf({ traceparent })]);
  const ids = {
    consumer: 'tested',
    event: 'e1',
    requestId: 'request-1',
    traceId: '0af7651916cd43dd8448eb211c80319c',
  };
  expect(lines).toMatchObject([
    { ...ids, msg: 'mine' },
    { ...ids, type: 'OrderPlaced', subject: 'o1', msg: 'event' },
  ]);
});

it.each([
  [{ name: 'a b' }, 'The name of a consumer must have 1 to 100 letters'],
  [{ from: { orders: {} } }, 'must read at least one type of events'],
  [{ concurrency: 0 }, '`concurrency` of the consumer "tested" must be a positive whole number, but got: 0'],
  [{ tries: 0 }, '`tries` of the consumer "tested" must be a positive whole number, but got: 0'],
])('refuses %j', (changes, message) => {
  const define = () =>
    defineConsumer({
      name: 'tested',
      from: { orders: { OrderPlaced: { 1: z.object({}) } } },
      handle: async () => undefined,
      ...changes,
    });
  expect(define).toThrow(message);
});
