/** The relay alone. Over 300 lines: each way in which an event could be lost, doubled or out of order. */
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { updateOnce, type DomainEvent } from '../../../../../kit';
import { openDatabase } from '../../../../../kit/table/database';
import { type EventLog } from '../../../../../kit/events/log/event-log';
import { openRelay, type Relay, type RelayOptions } from '../../../../../kit/events/log/relay';
import { prepareTable } from '../../../../../kit/serve/prepare';
import { amountOf } from '../../../../support/amounts';
import { dyingAfter, Moved, moved, openEventDatabase, parcelsTableOf } from '../../../../support/event-logs';
import { countCommands } from '../../../../support/count-commands';

const cause = { correlationid: 'r1', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };

let database: Awaited<ReturnType<typeof openEventDatabase>>;
beforeAll(async () => (database = await openEventDatabase()));
afterAll(() => database.stop());

const relays: Relay[] = [];
afterEach(() => Promise.all(relays.splice(0).map((relay) => relay.stop())));

/** A table with an outbox, a log, and what a relay between them has logged. */
async function open() {
  const { source, log: eventLog, again } = await database.newLog();
  const table = parcelsTableOf(source);
  await prepareTable(table, { ...database, seed: false });
  const lines: Record<string, unknown>[] = [];
  const note = (level: string) => (facts: object, message: string) =>
    lines.push({ level, message, ...facts });
  const log = { info: note('info'), warn: note('warn'), error: note('error') };
  /** Every relay but the first is that of another process. */
  const start = (options: Partial<RelayOptions> = {}) => {
    const relay = openRelay({
      ...{ db: database.db, source, tables: [table], eventLog, log: log as unknown as RelayOptions['log'] },
      ...{ sweepMilliseconds: 2 ** 30, ...options },
    });
    relays.push(relay);
    return relay;
  };
  /** What is told of each parcel, in the order of the log. */
  const logged = async () => {
    const events = (await eventLog.readAll('', 1000)).map(
      ({ event }) => event as DomainEvent<string, { to: string }>,
    );
    return events.map(({ subject, sequence, data }) => `${subject}${sequence}:${data.to}`);
  };
  const parcels = database.db.causedBy(cause).table(table);
  const outboxOf = async (id: string) => (await parcels.get({ id }, { consistent: true }))?.outbox;
  return { source, table, parcels, eventLog, again, start, logged, lines, outboxOf };
}

describe('a relay', () => {
  it('logs the events of a write at once, and empties the outbox', async () => {
    const { source, parcels, start, eventLog, lines, outboxOf } = await open();
    const relay = start();
    await parcels.create({ id: 'a' }, moved('x'));
    await relay.idle();
    const [{ event, position }] = (await eventLog.readAll('', 10)) as [
      { event: DomainEvent; position: string },
    ];
    expect(event).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      source,
      type: 'Moved',
      dataversion: 1,
      subject: 'a',
      sequence: 1,
      time: expect.any(String) as string,
      data: { to: 'x' },
      ...cause,
    });
    expect(await outboxOf('a')).toBeUndefined();
    expect(lines).toEqual([
      {
        ...{ level: 'info', message: 'event logged', type: 'Moved', subject: 'a', sequence: 1, position },
        ...{ requestId: 'r1', traceId: '1'.repeat(32) },
      },
    ]);
  });

  it('numbers the events of a subject, also when its outbox was emptied between them', async () => {
    const { parcels, start, logged } = await open();
    const relay = start();
    await parcels.create({ id: 'a' }, moved('x'));
    await relay.idle();
    await parcels.update({ id: 'a' }, { events: [Moved.create({ to: 'y' }), Moved.create({ to: 'z' })] });
    await relay.idle();
    expect(await logged()).toEqual(['a1:x', 'a2:y', 'a3:z']);
  });

  it('does not lose an event that is written while those before it are relayed', async () => {
    const { parcels, table, start, eventLog, logged, outboxOf } = await open();
    await parcels.create({ id: 'a' }, moved('x'));
    const elsewhere = openDatabase(database).table(table);
    let written = false;
    const append = eventLog.append.bind(eventLog);
    const slow: EventLog = Object.assign(eventLog, {
      async append(event: DomainEvent) {
        const position = await append(event);
        if (!written) await elsewhere.update({ id: 'a' }, moved('y'));
        written = true;
        return position;
      },
    });
    await start({ eventLog: slow }).sweep();
    expect(await logged()).toEqual(['a1:x', 'a2:y']);
    expect(await outboxOf('a')).toBeUndefined();
  });

  it('finds what another process has left, by index and without a scan', async () => {
    const { parcels, start, logged, outboxOf } = await open();
    const ids = Array.from({ length: 60 }, (_, i) => `p${i}`);
    for (const id of ids) await parcels.create({ id }, moved('x'));
    const counter = countCommands(database.db);
    await start().sweep();
    counter.stop();
    expect((await logged()).sort()).toEqual(ids.map((id) => `${id}1:x`).sort());
    expect(await outboxOf('p0')).toBeUndefined();
    expect(counter.count('Scan')).toBe(0);
  });

  it('asks the index only, and each shard once, when there is nothing to relay', async () => {
    const { start } = await open();
    const counter = countCommands(database.db);
    await start().sweep();
    counter.stop();
    expect(counter.commands.map(({ name }) => name)).toEqual(['Query', 'Query', 'Query', 'Query']);
  });

  it('looks at one shard in turn while there is nothing to relay, and finds by it what others have left', async () => {
    const { parcels, start, logged } = await open();
    const relay = start({ sweepMilliseconds: 20 });
    const counter = countCommands(database.db);
    while (counter.count('Query') < 5) await sleep(5);
    counter.stop();
    const shards = counter.commands.length;
    expect(counter.count('Query')).toBe(shards);
    await relay.stop();
    const ids = Array.from({ length: 20 }, (_, i) => `p${i}`);
    for (const id of ids) await parcels.create({ id }, moved('x'));
    start({ sweepMilliseconds: 20 });
    while ((await logged()).length < ids.length) await sleep(20);
  });

  it('logs an event once that a replacement has put back into the outbox', async () => {
    const { parcels, start, logged } = await open();
    await parcels.create({ id: 'a' }, moved('x'));
    const before = (await parcels.get({ id: 'a' }))!;
    const relay = start();
    await relay.sweep();
    await parcels.put({ ...before, place: 'y' }, moved('y'));
    await relay.idle();
    expect(await logged()).toEqual(['a1:x', 'a2:y']);
  });

  it('sends events on in their order, when the log has them', async () => {
    const { parcels, start, logged } = await open();
    const published: string[] = [];
    const publish = async (events: readonly DomainEvent[]) => {
      const inLog = await logged();
      for (const { subject, sequence, data } of events) {
        const name = `${subject}${sequence}:${(data as { to: string }).to}`;
        expect(inLog).toContain(name);
        published.push(name);
      }
    };
    const relay = start({ publish });
    await parcels.create({ id: 'a' }, moved('x'));
    await parcels.update({ id: 'a' }, moved('y'));
    await relay.idle();
    expect(published).toEqual(['a1:x', 'a2:y']);
  });

  it('keeps an event in its outbox until it was sent on', async () => {
    const { parcels, start, logged, outboxOf, lines } = await open();
    let works = false;
    const publish = () => (works ? Promise.resolve() : Promise.reject(new Error('The topic is gone.')));
    const relay = start({ publish });
    await parcels.create({ id: 'a' }, moved('x'));
    await relay.idle();
    expect(await outboxOf('a')).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({
      ...{ level: 'error', message: 'an event stays in its outbox for now', type: 'Moved', subject: 'a' },
      ...{ requestId: 'r1', traceId: '1'.repeat(32), err: new Error('The topic is gone.') },
    });
    works = true;
    await relay.sweep();
    expect(await outboxOf('a')).toBeUndefined();
    expect(await logged()).toEqual(['a1:x']);
  });

  it('leaves alone what it cannot relay, and goes on with the rest', async () => {
    const { parcels, start, logged, lines } = await open();
    const relay = start();
    await parcels.batchPut([{ id: 'b', outbox: ['{'], outboxShard: '0', eventCount: 1 }]);
    await parcels.create({ id: 'c' }, moved('z'));
    await relay.sweep();
    expect(await logged()).toEqual(['c1:z']);
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { key: { id: 'b' }, message: 'an outbox cannot be emptied' },
    ]);
  });

  it('numbers the events of an item that was deleted and made again behind those of before, and says so', async () => {
    const { parcels, start, logged, lines, outboxOf } = await open();
    const relay = start();
    await parcels.create({ id: 'a' }, moved('x'));
    await parcels.update({ id: 'a' }, moved('y'));
    await relay.idle();
    await parcels.batchPut([{ id: 'a' }]);
    await parcels.update({ id: 'a' }, moved('z'));
    await relay.idle();
    await parcels.update({ id: 'a' }, moved('w'));
    await relay.idle();
    expect(await logged()).toEqual(['a1:x', 'a2:y', 'a3:z', 'a4:w']);
    expect(await outboxOf('a')).toBeUndefined();
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors).toMatchObject([
      { message: 'the events of an item are numbered anew', subject: 'a', from: 1, to: 3 },
    ]);
    expect(String(errors[0]!['err'])).toMatch(/event 1 of "a" is another one already/);
  });

  it('sends on once what an item had told before it was brought back from a backup, and then what is new', async () => {
    const { parcels, start, logged, outboxOf } = await open();
    await parcels.create({ id: 'a' }, moved('x'));
    const backup = (await parcels.get({ id: 'a' }))!;
    await start().sweep();
    await parcels.update({ id: 'a' }, moved('y'));
    await start().sweep();
    await parcels.batchPut([backup]);
    const published: string[] = [];
    const relay = start({
      publish: async (events) => void published.push(...events.map(({ sequence }) => String(sequence))),
    });
    await parcels.update({ id: 'a' }, moved('z'));
    await relay.idle();
    expect(await logged()).toEqual(['a1:x', 'a2:y', 'a3:z']);
    expect(published).toEqual(['1', '3']);
    expect(await outboxOf('a')).toBeUndefined();
  });

  it('numbers anew once, wherever a relay ends and others go on', async () => {
    const { parcels, start, again, logged, outboxOf } = await open();
    const others = [0, 1].map(() => start({ db: openDatabase(database), eventLog: again() }));
    const twoMoves = { events: [Moved.create({ to: 'y' }), Moved.create({ to: 'z' })] };
    // The first four commands look at the shards.
    for (let life = 2; life <= 12; life++) {
      const id = `${'p'.repeat(life)}-`;
      await parcels.create({ id }, moved('x'));
      await others[0]!.sweep();
      await parcels.batchPut([{ id }]);
      await parcels.update({ id }, twoMoves);
      const db = dyingAfter(database, life);
      await start({ db, eventLog: again(db) }).sweep();
      await Promise.all(others.map((other) => other.sweep()));
      const ofItem = (await logged()).filter((name) => name.startsWith(id));
      expect(ofItem).toEqual([`${id}1:x`, `${id}2:y`, `${id}3:z`]);
      expect(await outboxOf(id)).toBeUndefined();
    }
  });

  it('relays nothing that is written after it was stopped, and then the next one does', async () => {
    const { parcels, start, logged } = await open();
    await start().stop();
    await parcels.create({ id: 'a' }, moved('x'));
    expect(await logged()).toEqual([]);
    await start().sweep();
    expect(await logged()).toEqual(['a1:x']);
  });

  it('logs each event once and in order, however many relays run and wherever they end', async () => {
    const rounds = amountOf('WEIR_RELAY_ROUNDS', 4, 60);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(25), { minLength: 1, maxLength: 3 }),
        async (writes, lives) => {
          const { parcels, again, start, eventLog, logged } = await open();
          // A relay that has ended sends no command any more.
          const mortal = lives.map((life) => {
            const db = dyingAfter(database, life);
            return start({ db, eventLog: again(db) });
          });
          let isRelaying = true;
          const followed = follow(eventLog, () => isRelaying);
          const expected = new Map<string, string[]>();
          const write = async () => {
            for (const [i, [id, once]] of writes.entries()) {
              const key = { key: String(i), scope: '', input: null };
              if (once)
                await updateOnce(parcels, { id }, key, (item) => ({
                  item: { ...item, id },
                  result: null,
                  ...moved(String(i)),
                }));
              else await parcels.update({ id }, { upsert: true, ...moved(String(i)) });
              expected.set(id, [...(expected.get(id) ?? []), String(i)]);
            }
          };
          let isWriting = true;
          const sweep = async (relay: Relay) => {
            while (isWriting) await Promise.all([relay.sweep(), sleep(5)]);
          };
          await Promise.all([write().finally(() => (isWriting = false)), ...mortal.map(sweep)]);
          const last = start({ db: openDatabase(database), eventLog: again() });
          await last.sweep();
          isRelaying = false;
          const names = await logged();
          expect(names).toHaveLength(writes.length);
          for (const [id, tos] of expected)
            expect(names.filter((name) => name.startsWith(id))).toEqual(
              tos.map((to, i) => `${id}${i + 1}:${to}`),
            );
          expect(await followed).toEqual(names);
          const left = await Promise.all(
            ['a', 'b', 'c'].map((id) => parcels.get({ id }, { consistent: true })),
          );
          expect(left.flatMap((item) => item?.outbox ?? [])).toEqual([]);
        },
      ),
      { numRuns: rounds },
    );
  });
});

/** Reads a log as it grows, each time behind what was read, until it does not grow any more. */
async function follow(eventLog: EventLog, grows: () => boolean): Promise<string[]> {
  const names: string[] = [];
  let after = '';
  for (;;) {
    const isLast = !grows();
    const page = await eventLog.readAll(after, 3);
    if (isLast && page.length === 0) return names;
    for (const { position, event } of page) {
      after = position;
      names.push(`${event.subject}${event.sequence}:${(event.data as { to: string }).to}`);
    }
    await sleep(2);
  }
}
