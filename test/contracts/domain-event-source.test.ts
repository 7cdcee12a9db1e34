/** What every source of events does, over the real thing on its other side. */
import { SourceFollower } from '../../gateway/events/follower';
import type { EventBatch } from '../../gateway/events/source';
import { domainEventSources, type OpenedSource } from '../support/domain-event-sources';
import { eventBody } from '../support/event-publisher';
import { eventually } from '../support/process';
import { motoPython, sayWithoutMoto } from '../support/moto';
import { redisProgram, sayWithoutRedis } from '../support/redis-server';
import { within } from '../support/times';

sayWithoutRedis();
sayWithoutMoto('the tests of events by SQS');
const needed = new Map([
  ['a Redis stream', redisProgram],
  ['a queue of SQS', motoPython],
]);
const testable = domainEventSources.filter(([name]) => !needed.has(name) || needed.get(name) !== undefined);

describe.each(testable)('events of %s', (_name, _create, open) => {
  let opened: OpenedSource;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    opened = await open();
  });
  afterEach(() => stop());
  afterAll(() => opened.stop());

  /** Follows it, and notes what is heard. */
  async function follow(taking: (bodies: string[]) => Promise<void> = async () => undefined) {
    const heard: string[] = [];
    const changes: string[] = [];
    let gaps = 0;
    const { source } = opened;
    const follower = new SourceFollower({
      // Others are opened after this one.
      source: { keeps: source.keeps, read: (options) => source.read(options), close: async () => undefined },
      take: async (events) => {
        const bodies = events.map(({ body }) => body.toString());
        await taking(bodies);
        heard.push(...bodies);
      },
      onPosition: () => undefined,
      onGap: async () => {
        gaps++;
      },
      onChange: (state) => changes.push(state),
      pause: 20,
    });
    stop = () => follower.stop();
    follower.follow(['StockChanged', 'OrderPlaced']);
    await eventually(async () => changes.includes('up'));
    return { heard, changes, gaps: () => gaps, follower };
  }
  const three = () => [1, 2, 3].map((sequence) => eventBody({ sequence, data: { text: 'ä\n"', sequence } }));

  it('come in their order, byte for byte', async () => {
    const { heard, gaps } = await follow();
    const bodies = three();
    await opened.publish(...bodies);
    await eventually(async () => heard.length === 3);
    expect([heard, gaps()]).toEqual([bodies, 0]);
  });

  it('are those from now on', async () => {
    const before = eventBody();
    const after = eventBody();
    if (opened.source.keeps === 'positions') await opened.publish(before);
    const { heard } = await follow();
    await opened.publish(after);
    await eventually(async () => heard.length > 0);
    expect(heard).toEqual([after]);
  });

  it('are not read before those before them are handled', async () => {
    let letGo!: () => void;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const begun: string[] = [];
    const { heard } = await follow(async (bodies) => {
      begun.push(...bodies);
      await held;
    });
    const [first, second] = [eventBody(), eventBody()];
    await opened.publish(first);
    await eventually(async () => begun.length > 0);
    await opened.publish(second);
    expect([begun, heard]).toEqual([[first], []]);
    letGo();
    await eventually(async () => heard.length === 2);
    expect(heard).toEqual([first, second]);
  });

  it('are not lost when the connection breaks', async () => {
    const { heard, changes, gaps } = await follow();
    const bodies = three();
    await opened.publish(bodies[0]!);
    await eventually(async () => heard.length === 1);
    await opened.cut();
    await opened.publish(bodies[1]!);
    await opened.publish(bodies[2]!);
    await eventually(async () => new Set(heard).size === 3);
    expect([[...new Set(heard)], gaps()]).toEqual([bodies, 0]);
    if (opened.source.keeps === 'positions') expect(changes.slice(0, 2)).toEqual(['up', 'down']);
  });

  it('end at once when nobody reads them any more', async () => {
    const { follower } = await follow();
    const began = performance.now();
    await follower.stop();
    expect(performance.now() - began).toBeLessThan(within(1500));
  });

  it('are replayed from a position where there are positions', async () => {
    stop = async () => undefined;
    if (opened.source.keeps !== 'positions') return;
    const types = ['StockChanged'];
    const read = async (after: string | undefined, until: (batch: EventBatch) => boolean) => {
      const reading = new AbortController();
      const batches: EventBatch[] = [];
      for await (const batch of opened.source.read({ after, types, signal: reading.signal })) {
        batches.push(batch);
        if (until(batch)) reading.abort();
      }
      return batches.flatMap(({ events }) => events);
    };
    const bodies = three();
    const first = read(undefined, ({ events }) => events.length > 0);
    await opened.publish(eventBody());
    const live = setInterval(() => void opened.publish(bodies[0]!), 20);
    const [known] = await first;
    clearInterval(live);
    await opened.publish(bodies[1]!, bodies[2]!);
    const replayed = await read(known!.position, ({ isIdle }) => isIdle === true);
    expect(replayed.slice(-2).map(({ body }) => body.toString())).toEqual(bodies.slice(1));
    expect(new Set(replayed.map(({ position }) => position)).size).toBe(replayed.length);
  });
});
