import fc from 'fast-check';
import { type EventSelection, type EventStream } from '../../subgraphs/kit';
import { eventSources } from '../support/event-sources';

/** The next events, each as its data, and a gap as "gap". */
async function take(stream: EventStream, count: number): Promise<unknown[]> {
  const taken: unknown[] = [];
  while (taken.length < count) {
    const { value } = await stream.next();
    taken.push(value === undefined ? 'end' : value.isGap ? 'gap' : value.data);
  }
  return taken;
}

/** The position of the next event. */
async function positionOf(stream: EventStream): Promise<string> {
  const { value } = await stream.next();
  if (value === undefined || value.isGap) throw new Error('There is no event.');
  return value.position;
}

const all: EventSelection = { type: 'Moved', keys: 'all' };

describe.each(eventSources)('an event source %s', (_, openSource) => {
  const open = (kept = 5) => {
    const source = openSource({ kept });
    const publish = async (...all: unknown[]) => {
      for (const data of all) await source.publish({ type: 'Moved', key: 'a', data });
    };
    return { source, publish };
  };

  it('gives each subscriber the events of its type and keys, in their order', async () => {
    const { source } = open();
    const one = source.subscribe({ type: 'Moved', keys: ['a', 'c', 'a'] });
    const every = source.subscribe(all);
    for (const [type, key, data] of [
      ['Moved', 'a', 1],
      ['Moved', 'b', 2],
      ['Stopped', 'a', 3],
      ['Moved', 'c', 4],
    ] as const)
      await source.publish({ type, key, data });
    expect(await take(one, 2)).toEqual([1, 4]);
    expect(await take(every, 3)).toEqual([1, 2, 4]);
  });

  it('gives an event to a subscriber that waits for it', async () => {
    const { source, publish } = open();
    const taken = take(source.subscribe(all), 2);
    await publish(1, 2);
    expect(await taken).toEqual([1, 2]);
  });

  it('does not give events from before the subscription', async () => {
    const { source, publish } = open();
    await publish(1);
    const stream = source.subscribe(all);
    await publish(2);
    expect(await take(stream, 1)).toEqual([2]);
  });

  it('goes on behind a position, without a loss and without a double', async () => {
    const { source, publish } = open();
    const first = source.subscribe(all);
    await publish(1, 2, 3);
    const after = await positionOf(first);
    const second = source.subscribe({ ...all, after });
    await publish(4);
    expect(await take(second, 3)).toEqual([2, 3, 4]);
  });

  it('replays the events of the selected keys only', async () => {
    const { source, publish } = open();
    const first = source.subscribe(all);
    await publish(1);
    await source.publish({ type: 'Moved', key: 'b', data: 2 });
    const stream = source.subscribe({ type: 'Moved', keys: ['b'], after: await positionOf(first) });
    expect(await take(stream, 1)).toEqual([2]);
  });

  it('begins with a gap where it does not keep the events behind a position any more', async () => {
    const { source, publish } = open();
    const first = source.subscribe(all);
    await publish(1);
    const after = await positionOf(first);
    await publish(2, 3, 4, 5, 6, 7);
    const stream = source.subscribe({ ...all, after });
    await publish(8);
    expect(await take(stream, 2)).toEqual(['gap', 8]);
  });

  it.each(['', 'x', '-', '1', 'a-b-c', '0-1', '99999999999999999999-1', '9'.repeat(10_000)])(
    'begins with a gap behind the position %j, which it has not given',
    async (after) => {
      const { source, publish } = open();
      await publish(1);
      const stream = source.subscribe({ ...all, after });
      await publish(2);
      expect(await take(stream, 2)).toEqual(['gap', 2]);
    },
  );

  it('begins with a gap behind a position of another source', async () => {
    const other = open();
    const first = other.source.subscribe(all);
    await other.publish(1);
    const { source, publish } = open();
    await publish(1);
    expect(await take(source.subscribe({ ...all, after: await positionOf(first) }), 1)).toEqual(['gap']);
  });

  it('drops the oldest events of a subscriber that is too slow, and says so', async () => {
    const { source, publish } = open();
    const slow = source.subscribe(all);
    const quick = source.subscribe(all);
    const taken = take(quick, 7);
    await publish(1, 2, 3, 4, 5, 6, 7);
    expect(await taken).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await take(slow, 6)).toEqual(['gap', 3, 4, 5, 6, 7]);
  });

  it('ends a stream at once, also one that waits', async () => {
    const { source, publish } = open();
    const stream = source.subscribe(all);
    const waiting = take(stream, 2);
    await stream.return();
    await publish(1);
    expect(await waiting).toEqual(['end', 'end']);
    await stream.return();
  });

  it('resumes at any position as if nothing had happened, or says that something may be missing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        fc.nat(),
        fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
        async (keys, seen, resumed, wanted) => {
          const source = openSource({ kept: 10 });
          const every = source.subscribe(all);
          const positions: string[] = [];
          const events = keys.map((key, data) => ({ type: 'Moved', key, data }));
          const seenCount = 1 + (seen % events.length);
          const resumedAt = seenCount + (resumed % (events.length - seenCount + 1));
          for (const event of events.slice(0, resumedAt)) {
            await source.publish(event);
            positions.push(await positionOf(every));
          }
          const stream = source.subscribe({ type: 'Moved', keys: wanted, after: positions[seenCount - 1] });
          for (const event of events.slice(resumedAt)) await source.publish(event);
          await source.publish({ type: 'Moved', key: wanted[0]!, data: 'last' });
          const taken: unknown[] = [];
          while (taken.at(-1) !== 'last') taken.push(...(await take(stream, 1)));
          const missed = events.slice(seenCount).filter(({ key }) => wanted.includes(key));
          const expected = [...missed.map(({ data }) => data as unknown), 'last'];
          if (taken.includes('gap')) expect(expected).toEqual(expect.arrayContaining(taken.slice(1)));
          else expect(taken).toEqual(expected);
          if (resumedAt - seenCount < 10 && events.length - seenCount < 10)
            expect(taken).not.toContain('gap');
        },
      ),
    );
  });
});
