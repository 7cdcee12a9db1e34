import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog, restoreLog } from '../../../../../kit/events/log/event-log';
import { dyingAfter, eventOf, openEventDatabase } from '../../../../support/event-logs';

let database: Awaited<ReturnType<typeof openEventDatabase>>;
beforeAll(async () => (database = await openEventDatabase()));
afterAll(() => database.stop());

/** Subject and sequence of each event, in the order of the log. */
const all = async (log: EventLog): Promise<string[]> =>
  (await log.readAll('', 1000)).map(({ event }) => `${event.subject}${event.sequence}`);

describe('a log of events', () => {
  it('has the events in the order in which they were appended', async () => {
    const { log } = await database.newLog();
    for (const [subject, sequence] of [
      ['b', 1],
      ['a', 1],
      ['b', 2],
    ] as const)
      await log.append(eventOf('s', subject, sequence));
    expect(await all(log)).toEqual(['b1', 'a1', 'b2']);
  });

  it('gives an event back as it was, with its keys in their order', async () => {
    const { log } = await database.newLog();
    const event = eventOf('s', 'a', 1, { data: { z: 1, a: { y: [1.5, null, 'ü'], b: true } } });
    await log.append(event);
    const [logged] = await log.readAll('', 1);
    const [read] = await log.read('a');
    for (const each of [logged!.event, read]) expect(JSON.stringify(each)).toBe(JSON.stringify(event));
  });

  it('keeps an event once, however often it is appended', async () => {
    const { log, again } = await database.newLog();
    const position = await log.append(eventOf('s', 'a', 1));
    await log.append(eventOf('s', 'a', 2));
    expect(await log.append(eventOf('s', 'a', 1))).toBe(position);
    expect(await again().append(eventOf('s', 'a', 1))).toBe(position);
    expect(await all(log)).toEqual(['a1', 'a2']);
  });

  it('reads the events of a subject from a sequence on, and no others', async () => {
    const { log } = await database.newLog();
    for (let sequence = 1; sequence <= 11; sequence++) await log.append(eventOf('s', 'a', sequence));
    await log.append(eventOf('s', 'ab', 1));
    expect((await log.read('a', 9)).map(({ sequence }) => sequence)).toEqual([9, 10, 11]);
    expect(await log.read('b')).toEqual([]);
  });

  it('reads on behind a position', async () => {
    const { log } = await database.newLog();
    expect(await log.readAll(await log.head(), 10)).toEqual([]);
    await log.append(eventOf('s', 'a', 1));
    const head = await log.head();
    await log.append(eventOf('s', 'a', 2));
    await log.append(eventOf('s', 'a', 3));
    const [next] = await log.readAll(head, 1);
    expect(next!.event.sequence).toBe(2);
    expect((await log.readAll(next!.position, 1))[0]!.event.sequence).toBe(3);
    expect((await log.readAll(next!.position, 1))[0]!.position).toBe(await log.head());
  });

  it('finds the position of a time', async () => {
    const { log } = await database.newLog();
    const times: number[] = [];
    for (let sequence = 1; sequence <= 5; sequence++) {
      await sleep(2);
      times.push(Date.now());
      await log.append(eventOf('s', 'a', sequence));
    }
    for (const [i, time] of times.entries())
      expect((await log.readAll(await log.positionAt(time), 1))[0]!.event.sequence).toBe(i + 1);
    expect(await log.readAll(await log.positionAt(0), 9)).toHaveLength(5);
    expect(await log.positionAt(Date.now() + 1000)).toBe(await log.head());
  });

  it('refuses positions that it has not given, those of another log among them', async () => {
    const { log, again } = await database.newLog();
    const other = await database.newLog();
    await other.log.append(eventOf('s', 'a', 1));
    await log.append(eventOf('s', 'a', 1));
    const head = await log.head();
    const later = head.replace(/1$/, '2');
    for (const position of ['x', '-', '0-1', await other.log.head(), later, 'x'.repeat(10_000)])
      await expect(log.readAll(position, 1)).rejects.toThrow(
        /^The position ".{0,40}" is not one of the events of /,
      );
    expect(await again().readAll(head, 1)).toEqual([]);
  });

  it('refuses another event with the same subject and sequence', async () => {
    const { log } = await database.newLog();
    await log.append(eventOf('s', 'a', 1));
    await expect(log.append({ ...eventOf('s', 'a', 1), id: 'other' })).rejects.toThrow(
      'The event Moved (other) of s cannot be logged: event 1 of "a" is another one already (s a 1).',
    );
    expect(await all(log)).toEqual(['a1']);
  });

  it('finds an event whose appender has ended, wherever that was', async () => {
    for (let life = 1; life <= 4; life++) {
      const { log, again } = await database.newLog();
      await log.append(eventOf('s', 'a', 1));
      await expect(again(dyingAfter(database, life)).append(eventOf('s', 'b', 1))).rejects.toThrow(
        'It has ended.',
      );
      await log.append(eventOf('s', 'a', 2));
      await log.append(eventOf('s', 'b', 1));
      expect((await all(log)).sort()).toEqual(['a1', 'a2', 'b1']);
      expect(await all(log)).toEqual(await all(again()));
    }
  });

  it('gives each event one position when many processes append the same ones at once', async () => {
    const { again } = await database.newLog();
    const logs = Array.from({ length: 4 }, () => again());
    const subjects = ['a', 'b', 'c'];
    const positions = await Promise.all(
      logs.flatMap((log) =>
        subjects.map(async (subject) => {
          const given: string[] = [];
          for (let sequence = 1; sequence <= 4; sequence++)
            given.push(await log.append(eventOf('s', subject, sequence)));
          return given.join(' ');
        }),
      ),
    );
    expect(new Set(positions).size).toBe(3);
    const logged = await all(again());
    expect(logged).toHaveLength(12);
    for (const subject of subjects)
      expect(logged.filter((name) => name.startsWith(subject))).toEqual(
        [1, 2, 3, 4].map((n) => `${subject}${n}`),
      );
  });
});

describe('a log that is restored', () => {
  const restored = async (lost: EventLog) =>
    (await lost.readAll('', 100)).map((logged, i) => ({ ...logged, at: 1000 * (i + 1) }));

  it('has the events and positions of the one that was lost, and goes on behind them', async () => {
    const { log: lost, source } = await database.newLog();
    for (const sequence of [1, 2, 3]) await lost.append(eventOf(source, 'a', sequence));
    await lost.append(eventOf(source, 'b', 1));
    const events = await restored(lost);

    const { log, source: name } = await database.newLog();
    await restoreLog({ db: database.db, source: name }, events.slice(0, 2));
    await restoreLog({ db: database.db, source: name }, events);
    expect(await log.readAll('', 100)).toEqual(await lost.readAll('', 100));
    expect(await log.read('a', 2)).toEqual(await lost.read('a', 2));
    expect(await log.positionAt(2500)).toBe(events[1]!.position);
    expect(await log.append(eventOf(source, 'b', 1))).toBe(events[3]!.position);
    expect(await log.append(eventOf(source, 'b', 2))).toBe(events[0]!.position.replace(/1$/, '5'));
  });

  it('is not one with a gap', async () => {
    const { log: lost, source } = await database.newLog();
    for (const sequence of [1, 2, 3]) await lost.append(eventOf(source, 'a', sequence));
    const [first, , third] = await restored(lost);
    const { log, source: name } = await database.newLog();
    await expect(restoreLog({ db: database.db, source: name }, [first!, third!])).rejects.toThrow(
      `The log of ${name} cannot be restored: event 2 is missing.`,
    );
    expect(await log.readAll('', 100)).toEqual([]);
  });
});
