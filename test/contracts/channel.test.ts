/** What every channel does. Over 300 lines: one contract over both engines. */
import fc from 'fast-check';
import { type Delivery, type Subscription } from '../../kit/events/channels/channel';
import { type DomainEvent } from '../../kit/events/event';
import { channelEngines, type ChannelBackend, type OpenChannel } from '../support/channels';
import { endAll, eventually, startProcess } from '../support/process';
import { join } from 'node:path';
import { orderPlaced } from '../support/order-events';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const support = (file: string) => join(__dirname, '../support', file);

let eventCount = 0;
const event = (changes: Partial<DomainEvent> = {}): DomainEvent =>
  orderPlaced({ id: `e${++eventCount}`, ...changes });

/** Events of one subject, numbered. */
const eventsOf = (subject: string, count: number, changes: Partial<DomainEvent> = {}) =>
  Array.from({ length: count }, (_, i) => event({ subject, sequence: i + 1, ...changes }));

const idsOf = (events: readonly DomainEvent[]) => events.map(({ id }) => id);

describe.each(channelEngines)('a channel by the engine $name', (engine) => {
  const run = engine.skipped === undefined ? it : it.skip;
  let backend: ChannelBackend;
  const opened: OpenChannel[] = [];
  const stops: (() => Promise<void>)[] = [];
  let consumerCount = 0;
  beforeAll(async () => {
    if (engine.skipped === undefined) backend = await engine.start();
  });
  afterEach(async () => {
    await endAll();
    await Promise.all(stops.splice(0).map((stop) => stop()));
    await Promise.all(opened.splice(0).map(({ close }) => close()));
  });
  afterAll(async () => {
    if (engine.skipped === undefined) await backend.stop();
  });

  const newConsumer = () => `consumer-${++consumerCount}`;
  const selection = { orders: ['OrderPlaced', 'OrderCancelled'], inventory: ['StockChanged'] };

  /** A consumer whose `handle` fails where it throws, with what it has received. */
  async function consume(
    consumer: string,
    handle: (event: DomainEvent, attempt: number) => Promise<void> | void = () => undefined,
  ) {
    const channel = await engine.open(JSON.parse(JSON.stringify(backend.settings)));
    opened.push(channel);
    await backend.expect(consumer, selection);
    const subscription = channel.channel.subscribe(consumer, selection, { firstPause: 5, tries: 3 });
    const received: DomainEvent[] = [];
    const doneWith: DomainEvent[] = [];
    const stopping = new AbortController();
    const running = new Set<Promise<void>>();
    async function handleOne(delivery: Delivery): Promise<void> {
      received.push(delivery.event);
      try {
        await handle(delivery.event, delivery.attempt);
      } catch (error) {
        await subscription.failed(delivery, (error as Error).message);
        return;
      }
      await subscription.done(delivery);
      doneWith.push(delivery.event);
    }
    const loop = (async () => {
      for await (const delivery of subscription.receive(stopping.signal)) {
        const one = handleOne(delivery).finally(() => running.delete(one));
        running.add(one);
      }
    })();
    const stop = async () => {
      stopping.abort();
      await loop;
      await Promise.all(running);
      await subscription.stop();
    };
    stops.push(stop);
    return { received, doneWith, subscription, stop };
  }

  /** The ids of those that are expected: a new consumer may get what other tests have published, too. */
  const ours = (events: readonly DomainEvent[], expected: readonly DomainEvent[]) =>
    idsOf(events).filter((id) => idsOf(expected).includes(id));

  run('delivers the events of each subject in their order, one at a time', async () => {
    const working = new Map<string, number>();
    let most = 0;
    const consumer = await consume(newConsumer(), async ({ source, subject }) => {
      const key = `${source} ${subject}`;
      const count = (working.get(key) ?? 0) + 1;
      working.set(key, count);
      most = Math.max(most, count);
      await new Promise((resolve) => setImmediate(resolve));
      working.set(key, working.get(key)! - 1);
    });
    const [a, b] = [eventsOf('a', 10), eventsOf('b', 10)];
    const stock = eventsOf('a', 10, { source: 'inventory', type: 'StockChanged' });
    await backend.publish(...a.flatMap((each, i) => [each, b[i]!, stock[i]!]));
    await eventually(() => ours(consumer.doneWith, [...a, ...b, ...stock]).length === 30);
    for (const each of [a, b, stock]) expect(ours(consumer.received, each)).toEqual(idsOf(each));
    expect(most).toBe(1);
  });

  run('delivers what was published while the consumer was not there', async () => {
    const name = newConsumer();
    const first = await consume(name);
    const [before, after] = [eventsOf('c', 2), eventsOf('c', 4).slice(2)];
    await backend.publish(...before);
    await eventually(() => ours(first.doneWith, before).length === 2);
    await first.stop();
    await backend.publish(...after);
    const second = await consume(name);
    await eventually(() => ours(second.doneWith, after).length === 2);
    expect(ours(second.received, [...before, ...after])).toEqual(idsOf(after));
  });

  run('delivers each event to each consumer', async () => {
    const [one, other] = [await consume(newConsumer()), await consume(newConsumer())];
    const events = eventsOf('d', 3);
    await backend.publish(...events);
    await eventually(() =>
      [one, other].every(({ doneWith }) => ours(doneWith, events).length === events.length),
    );
  });

  run('gives each event to one of two processes of a consumer', async () => {
    const name = newConsumer();
    const consumers = [await consume(name), await consume(name)];
    const events = eventsOf('e', 5).concat(eventsOf('f', 5));
    await backend.publish(...events);
    const all = () => consumers.flatMap(({ doneWith }) => ours(doneWith, events));
    await eventually(() => all().length >= events.length);
    expect(all().sort()).toEqual(idsOf(events).sort());
  });

  run('delivers a failed event again, after growing pauses, and its later ones behind it', async () => {
    const times: number[] = [];
    const [failing, later] = eventsOf('g', 2) as [DomainEvent, DomainEvent];
    const consumer = await consume(newConsumer(), ({ id }, attempt) => {
      if (id !== failing.id) return;
      times.push(performance.now());
      expect(attempt).toBe(times.length);
      if (attempt < 3) throw new Error('not yet');
    });
    await backend.publish(failing, later);
    await eventually(() => ours(consumer.doneWith, [failing, later]).length === 2);
    expect(ours(consumer.received, [failing, later])).toEqual([failing.id, failing.id, failing.id, later.id]);
    // The second pause is four times as long; timers may be a millisecond early.
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(4);
    expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(19);
    expect(await consumer.subscription.failures.list()).toEqual({ failures: [] });
  });

  run('puts a poison event into the failure queue, and goes on with all others', async () => {
    const [poison, next] = eventsOf('h', 2) as [DomainEvent, DomainEvent];
    const other = eventsOf('i', 5);
    const consumer = await consume(newConsumer(), ({ id }) => {
      if (id === poison.id) throw new Error('It is poison.');
    });
    await backend.publish(poison, next, ...other);
    await eventually(() => ours(consumer.doneWith, [next, ...other]).length === 6);
    expect(ours(consumer.received, [poison])).toHaveLength(3);
    expect(await failuresOf(consumer.subscription)).toEqual([
      { reason: 'It is poison.', attempts: 3, id: poison.id },
    ]);
  });

  run('puts an event into the failure queue whose reason is larger than a queue takes', async () => {
    const [poison, next] = eventsOf('s', 2) as [DomainEvent, DomainEvent];
    const consumer = await consume(newConsumer(), ({ id }) => {
      if (id === poison.id) throw new Error('It is poison. '.repeat(50_000));
    });
    await backend.publish(poison, next);
    await eventually(() => ours(consumer.doneWith, [next]).length === 1);
    const [failure] = await failuresOf(consumer.subscription);
    expect(failure).toMatchObject({
      id: poison.id,
      attempts: 3,
      reason: expect.stringMatching(/^It is poison\./),
    });
  });

  run('puts an event into the failure queue at once where no repeat would help', async () => {
    const poison = event({ subject: 'j' });
    const name = newConsumer();
    const channel = await engine.open(backend.settings);
    opened.push(channel);
    await backend.expect(name, selection);
    const subscription = channel.channel.subscribe(name, selection);
    const stopping = new AbortController();
    stops.push(() => subscription.stop());
    await backend.publish(poison);
    for await (const delivery of subscription.receive(stopping.signal)) {
      if (delivery.event.id !== poison.id) await subscription.done(delivery);
      else {
        await subscription.failed(delivery, 'No such version.', { isFinal: true });
        stopping.abort();
      }
    }
    expect(await failuresOf(subscription)).toEqual([
      { reason: 'No such version.', attempts: 1, id: poison.id },
    ]);
  });

  run('delivers a failed event again when an operator says so, and forgets one that is dropped', async () => {
    let isMended = false;
    const [mended, dropped] = [event({ subject: 'k' }), event({ subject: 'l' })];
    const poison = [mended.id, dropped.id];
    const consumer = await consume(newConsumer(), ({ id }) => {
      if (poison.includes(id) && !isMended) throw new Error('It is poison.');
    });
    const { failures } = consumer.subscription;
    await backend.publish(mended, dropped);
    await eventually(async () => (await failures.list()).failures.length === 2);
    const idOf = async (wanted: DomainEvent) =>
      (await failures.list()).failures.find(({ text }) => text.includes(`"${wanted.id}"`))!.id;
    expect(await failures.drop(await idOf(dropped))).toBe(true);
    isMended = true;
    expect(await failures.retry(await idOf(mended))).toBe(true);
    // More than once where a busy machine lets the lease run out.
    await eventually(() => ours(consumer.doneWith, [mended]).length > 0);
    expect(await failures.list()).toEqual({ failures: [] });
    expect(ours(consumer.doneWith, [dropped])).toEqual([]);
    expect(await failures.retry('nothing')).toBe(false);
    expect(await failures.drop('nothing')).toBe(false);
  });

  run('puts an event that fails again back into the failure queue', async () => {
    const poison = event({ subject: 'm' });
    const consumer = await consume(newConsumer(), ({ id }) => {
      if (id === poison.id) throw new Error('It is poison.');
    });
    const { failures } = consumer.subscription;
    await backend.publish(poison);
    await eventually(async () => (await failures.list()).failures.length === 1);
    await failures.retry((await failures.list()).failures[0]!.id);
    await eventually(() => ours(consumer.received, [poison]).length === 6);
    await eventually(async () => (await failures.list()).failures.length === 1);
  });

  run(
    'keeps the trace context and the correlation id, and drops a trace context that is broken',
    async () => {
      const whole = event({ subject: 'n', traceparent, tracestate: 'a=1', correlationid: 'c-1' });
      const broken = event({
        subject: 'o',
        traceparent: '00-xyz-1-1',
        tracestate: 'a=1',
        correlationid: 'c-2',
      });
      const consumer = await consume(newConsumer());
      await backend.publish(whole, broken);
      await eventually(() => ours(consumer.doneWith, [whole, broken]).length === 2);
      const find = ({ id }: DomainEvent) => consumer.received.find((each) => each.id === id);
      expect(find(whole)).toEqual(whole);
      expect(find(broken)).toEqual({ ...broken, traceparent: undefined, tracestate: undefined });
    },
  );

  run.each([
    ['is no JSON', 'nothing', /not JSON/],
    ['is no event', '[]', /no CloudEvent/],
    ['has no subject', JSON.stringify({ ...event(), subject: '' }), /subject/],
    ['has a sequence that is no number', JSON.stringify({ ...event(), sequence: '1' }), /sequence/],
    ['is of an unknown type', JSON.stringify(event({ type: 'OrderEaten' })), /OrderEaten/],
    ['comes from elsewhere', JSON.stringify(event({ source: 'inventory' })), /inventory/],
    ['is too large', JSON.stringify(event({ data: 'x'.repeat(200 * 1024) })), /204800/],
  ])('puts an event that %s into the failure queue, and goes on', async (_, text, reason) => {
    const consumer = await consume(newConsumer());
    const next = event({ subject: 'p' });
    await backend.sendText(text, { source: 'orders', subject: 'p' });
    await backend.publish(next);
    await eventually(() => ours(consumer.doneWith, [next]).length === 1);
    const { failures } = await consumer.subscription.failures.list();
    const [failure] = failures.filter((each) => each.text === text);
    expect(failure!.reason).toMatch(reason);
    expect(failure!.attempts).toBe(0);
  });

  run(
    'lets another process go on where one was killed in the middle',
    async () => {
      const name = newConsumer();
      const held = event({ subject: 'q', sequence: 3, data: { hold: true } });
      const events = [...eventsOf('q', 2), held, ...eventsOf('q', 6).slice(3), ...eventsOf('r', 3)];
      const args = [engine.name, JSON.stringify(backend.settings), name, JSON.stringify(selection)];
      await backend.expect(name, selection);
      await backend.publish(...events);
      const killed = startProcess(['-r', support('typescript.cjs'), support('channel-process.ts'), ...args]);
      await killed.printed(new RegExp(`^${held.id}$`, 'm'));
      killed.signal('SIGKILL');
      await killed.exit;
      const consumer = await consume(name);
      await eventually(() => {
        const all = new Set([...killed.stdout.trim().split('\n'), ...idsOf(consumer.doneWith)]);
        return consumer.doneWith.some(({ id }) => id === held.id) && idsOf(events).every((id) => all.has(id));
      });
      const ofSubject = consumer.received.filter(({ subject, id }) => subject === 'q' && id !== held.id);
      expect(ofSubject.map(({ sequence }) => sequence)).toEqual(
        ofSubject.map(({ sequence }) => sequence).sort((one, other) => one - other),
      );
    },
    60_000,
  );

  run('loses nothing and keeps the order of each subject, whatever fails how often', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ subject: fc.constantFrom('x', 'y', 'z'), failures: fc.nat(2) }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (plan) => {
          const tag = newConsumer();
          const sequences = new Map<string, number>();
          const events = plan.map(({ subject, failures }) => {
            const sequence = (sequences.get(subject) ?? 0) + 1;
            sequences.set(subject, sequence);
            return event({ subject: `${subject}-${tag}`, sequence, data: { failures } });
          });
          const consumer = await consume(tag, ({ data, subject }, attempt) => {
            if (subject.endsWith(tag) && attempt <= (data as { failures: number }).failures)
              throw new Error('not yet');
          });
          await backend.publish(...events);
          await eventually(() => ours(consumer.doneWith, events).length === events.length);
          for (const subject of new Set(events.map((each) => each.subject))) {
            const of = events.filter((each) => each.subject === subject);
            expect(ours(consumer.doneWith, of)).toEqual(idsOf(of));
          }
          await consumer.stop();
        },
      ),
      { numRuns: engine.rounds },
    );
  });
});

/** The failures, each with the id of its event. */
async function failuresOf({ failures }: Subscription) {
  const { failures: found } = await failures.list();
  return found.map(({ reason, attempts, text }) => ({
    reason,
    attempts,
    id: (JSON.parse(text) as DomainEvent).id,
  }));
}
