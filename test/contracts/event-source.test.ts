import fc from 'fast-check';
import { type EventSelection, type EventStream } from '../../kit';
import { amountOf } from '../support/amounts';
import { closeEventSources, eventSources } from '../support/event-sources';

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

const all: EventSelection = { types: ['Moved'], keys: 'all' };

afterAll(closeEventSources);

describe.each(eventSources)('an event source %s', (name, openSource) => {
  const open = async (kept = 5) => {
    const { source, publish: publishEvent } = await openSource({ kept });
    const publish = async (...all: unknown[]) => {
      for (const data of all) await publishEvent({ type: 'Moved', key: 'a', data });
    };
    return { source, publish, publishEvent };
  };

  it('gives each subscriber the events of its type and keys, in their order', async () => {
    const { source, publishEvent } = await open();
    const one = await source.subscribe({ types: ['Moved'], keys: ['a', 'c', 'a'] });
    const every = await source.subscribe(all);
    for (const [type, key, data] of [
      ['Moved', 'a', 1],
      ['Moved', 'b', 2],
      ['Stopped', 'a', 3],
      ['Moved', 'c', 4],
    ] as const)
      await publishEvent({ type, key, data });
    expect(await take(one, 2)).toEqual([1, 4]);
    expect(await take(every, 3)).toEqual([1, 2, 4]);
  });

  it('gives an event to a subscriber that waits for it', async () => {
    const { source, publish } = await open();
    const taken = take(await source.subscribe(all), 2);
    await publish(1, 2);
    expect(await taken).toEqual([1, 2]);
  });

  it('does not give events from before the subscription', async () => {
    const { source, publish } = await open();
    await publish(1);
    const stream = await source.subscribe(all);
    await publish(2);
    expect(await take(stream, 1)).toEqual([2]);
  });

  it('goes on behind a position, without a loss and without a double', async () => {
    const { source, publish } = await open();
    const first = await source.subscribe(all);
    await publish(1, 2, 3);
    const after = await positionOf(first);
    const second = await source.subscribe({ ...all, after });
    await publish(4);
    expect(await take(second, 3)).toEqual([2, 3, 4]);
  });

  it('replays the events of the selected keys only', async () => {
    const { source, publish, publishEvent } = await open();
    const first = await source.subscribe(all);
    await publish(1);
    await publishEvent({ type: 'Moved', key: 'b', data: 2 });
    const stream = await source.subscribe({ types: ['Moved'], keys: ['b'], after: await positionOf(first) });
    expect(await take(stream, 1)).toEqual([2]);
  });

  it('takes the key from the data where a selection says how', async () => {
    const { source, publish } = await open();
    const keyOf = ({ at }: { at: string }) => at;
    const stream = await source.subscribe({ types: ['Moved'], keys: ['x'], keyOf });
    const byKey = await source.subscribe({ types: ['Moved'], keys: ['a'] });
    await publish({ at: 'y' }, { at: 'x' });
    expect(await take(stream, 1)).toEqual([{ at: 'x' }]);
    expect(await take(byKey, 2)).toEqual([{ at: 'y' }, { at: 'x' }]);
  });

  it('gives the events of several types to a subscriber in their order', async () => {
    const { source, publishEvent } = await open();
    const stream = await source.subscribe({ types: ['Moved', 'Stopped'], keys: ['a'] });
    for (const [data, type] of ['Moved', 'Stopped', 'Lost', 'Moved'].entries())
      await publishEvent({ type, key: 'a', data });
    expect(await take(stream, 3)).toEqual([0, 1, 3]);
  });

  it('begins with a gap where it does not keep the events behind a position any more', async () => {
    const { source, publish } = await open();
    const first = await source.subscribe(all);
    await publish(1);
    const after = await positionOf(first);
    await publish(2, 3, 4, 5, 6, 7);
    const stream = await source.subscribe({ ...all, after });
    await publish(8);
    expect(await take(stream, 2)).toEqual(['gap', 8]);
  });

  it.each(['', 'x', '-', '1', 'a-b-c', '0-1', '99999999999999999999-1', '9'.repeat(10_000)])(
    'begins with a gap behind the position %j, which it has not given',
    async (after) => {
      const { source, publish } = await open();
      await publish(1);
      const stream = await source.subscribe({ ...all, after });
      await publish(2);
      expect(await take(stream, 2)).toEqual(['gap', 2]);
    },
  );

  it('begins with a gap behind a position of another source', async () => {
    const other = await open();
    const first = await other.source.subscribe(all);
    await other.publish(1);
    const { source, publish } = await open();
    await publish(1);
    expect(await take(await source.subscribe({ ...all, after: await positionOf(first) }), 1)).toEqual([
      'gap',
    ]);
  });

  it('drops the oldest events of a subscriber that is too slow, and says so', async () => {
    const { source, publish } = await open();
    const slow = await source.subscribe(all);
    const quick = await source.subscribe(all);
    const taken = take(quick, 7);
    await publish(1, 2, 3, 4, 5, 6, 7);
    expect(await taken).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await take(slow, 6)).toEqual(['gap', 3, 4, 5, 6, 7]);
  });

  it('ends a stream at once, also one that waits', async () => {
    const { source, publish } = await open();
    const stream = await source.subscribe(all);
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
          const { source, publish } = await openSource({ kept: 10 });
          const every = await source.subscribe(all);
          const positions: string[] = [];
          const events = keys.map((key, data) => ({ type: 'Moved', key, data }));
          const seenCount = 1 + (seen % events.length);
          const resumedAt = seenCount + (resumed % (events.length - seenCount + 1));
          for (const event of events.slice(0, resumedAt)) {
            await publish(event);
            positions.push(await positionOf(every));
          }
          const stream = await source.subscribe({
            types: ['Moved'],
            keys: wanted,
            after: positions[seenCount - 1],
          });
          for (const event of events.slice(resumedAt)) await publish(event);
          await publish({ type: 'Moved', key: wanted[0]!, data: 'last' });
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
      // A log is in a database.
      { numRuns: name === 'in memory' ? 100 : amountOf('WEIR_LOG_SOURCES', 5, 100) },
    );
  });
});
