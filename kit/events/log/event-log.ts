import { randomBytes } from 'node:crypto';
import { type Database } from '../../table/database';
import { defineTable, withAllOperations } from '../../table/definition';
import { type Table } from '../../table/table';
import { type Cause, type DomainEvent } from '../event';

/** All events of a subgraph, for ever: each once, in one order for all who read it. */
export interface EventLog {
  /**
   * Appends an event and returns its position. Appended again, it keeps the position that it has. Rejects with an
   * {@link EventConflict} if another event has its subject and sequence. Its commands are in the trace of `cause`.
   */
  append(event: DomainEvent, cause?: Cause): Promise<string>;
  /** The events of a subject in their order, from a sequence on. */
  read(subject: string, fromSequence?: number): Promise<DomainEvent[]>;
  /**
   * The events behind a position, '' for the beginning, at most `limit`. Who reads on behind the last one misses none:
   * nothing is ever put before an event that could be read. Rejects with an {@link UnknownPosition}.
   */
  readAll(after: string, limit: number): Promise<LoggedEvent[]>;
  /** The position of the newest event. */
  head(): Promise<string>;
  /** The position behind which are all events that were logged at a time or later, in milliseconds since 1970. */
  positionAt(time: number): Promise<string>;
}

export interface LoggedEvent {
  /** Opaque to all but the log. */
  readonly position: string;
  readonly event: DomainEvent;
}

/** Two events with one subject and sequence: an item was deleted and made again, or brought back from a backup. */
export class EventConflict extends Error {
  constructor(
    message: string,
    /** Of the event that cannot be logged under it. */
    readonly sequence: number,
  ) {
    super(message);
  }
}

/** A position that this log has not given. */
export class UnknownPosition extends Error {}

/** An item of the log: an event under its subject, an event under its position, or the identity of the log. */
interface LogItem {
  readonly stream: string;
  readonly key: string;
  /** Of the event, or of the log. */
  readonly id: string;
  /** As JSON, so that it is read as it was written, byte by byte. */
  readonly event?: string;
  /** Under its subject: the positions before this one were taken when the item was written. */
  readonly from?: number;
  /** Under its subject: known a moment after the event has it. */
  readonly position?: number;
  /** Under its position: when it was logged, in milliseconds since 1970, and not before the position before it was. */
  readonly at?: number;
}

export const eventLogTable = (source: string) =>
  defineTable<LogItem>()({
    ...{ name: `${source}-events`, partitionKey: 'stream', sortKey: 'key' },
    operations: ['GetItem', 'PutItem', 'Query', 'UpdateItem'],
  });

type LogTable = Table<LogItem, 'stream' | 'key', never>;

interface FreePosition {
  readonly position: number;
  readonly at: number;
}

/** How many positions are read at once where an event is looked for. */
const walkedAtOnce = 100;

export interface EventLogOptions {
  readonly db: Database;
  /** The name of the subgraph. */
  readonly source: string;
}

/**
 * The log in a table of its own, without transactions and without a leader. Any number of processes may append any event
 * at once, and may end anywhere:
 *
 * 1. The event is written under its subject and sequence, if it is not there, with a position `from`: those before it are
 *    taken.
 * 2. From there, positions are looked at one after the other, and the event is written under the first free one, if it
 *    is still free. So positions have no gaps; and as all who append this event begin at the same `from` or earlier,
 *    none passes the position that another has given it.
 * 3. The position is noted under the subject, which spares a later append the way.
 */
export const openEventLog = (options: EventLogOptions): EventLog => new TableLog(options);

class TableLog implements EventLog {
  readonly #options: EventLogOptions;
  readonly #table: LogTable;
  #identity: Promise<string> | undefined;
  /** The first position that may be free; all before it are taken. `at` of the one before it. */
  #free: FreePosition | undefined;
  /** Appends of one process wait for one another: they would only take positions from each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.#table = options.db.table(eventLogTable(options.source));
  }

  async append(event: DomainEvent, cause?: Cause): Promise<string> {
    const { db, source } = this.#options;
    const key = keyOfEvent(event.subject, event.sequence);
    const items = cause ? db.causedBy(cause).table(eventLogTable(source)) : this.#table;
    const appending = this.#last.then(() => this.#findPosition(event, key, items));
    this.#last = appending.catch(() => undefined);
    const { position, isNoted } = await appending;
    if (!isNoted) await items.update(key, { set: { position } });
    return this.#textOf(position);
  }

  async read(subject: string, fromSequence = 1): Promise<DomainEvent[]> {
    const sort = { atLeast: keyOf(fromSequence) };
    const items = await this.#table.query({ partition: subjectStream(subject), sort, consistent: true });
    return items.map(({ event }) => JSON.parse(event!) as DomainEvent);
  }

  async readAll(after: string, limit: number): Promise<LoggedEvent[]> {
    const position = await this.#readPosition(after);
    const id = await this.#identify();
    const items = await this.#from(position + 1, limit);
    return items.map(({ key, event }) => ({
      position: `${id}-${Number(key)}`,
      event: JSON.parse(event!) as DomainEvent,
    }));
  }

  async head(): Promise<string> {
    return this.#textOf((await this.#firstFree()).position - 1);
  }

  async positionAt(time: number): Promise<string> {
    let low = 1;
    let high = (await this.#firstFree()).position;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const item = await this.#table.get({ stream: positions, key: keyOf(middle) }, { consistent: true });
      if (item!.at! >= time) high = middle;
      else low = middle + 1;
    }
    return this.#textOf(low - 1);
  }

  async #findPosition(event: DomainEvent, key: ReturnType<typeof keyOfEvent>, items: LogTable) {
    this.#free ??= await this.#firstFree();
    const content = { id: event.id, event: JSON.stringify(event) };
    let from = this.#free.position;
    if (!(await items.create({ ...key, ...content, from }))) {
      const existing = (await items.get(key, { consistent: true }))!;
      if (existing.id !== event.id) throw conflict(event, existing);
      if (existing.position !== undefined) return { position: existing.position, isNoted: true };
      from = Math.min(from, existing.from!);
    }
    for (let position = from; ;) {
      const at = Math.max(Date.now(), this.#free.at);
      if (await items.create({ stream: positions, key: keyOf(position), ...content, at })) {
        this.#free = { position: position + 1, at };
        return { position, isNoted: false };
      }
      for (const item of await this.#from(position, walkedAtOnce)) {
        position = Number(item.key) + 1;
        if (position > this.#free.position) this.#free = { position, at: item.at! };
        if (item.id === event.id) return { position: position - 1, isNoted: false };
      }
    }
  }

  #from(position: number, limit: number): Promise<LogItem[]> {
    const sort = { atLeast: keyOf(position) };
    return this.#table.query({ partition: positions, sort, limit, consistent: true });
  }

  async #firstFree(): Promise<FreePosition> {
    const [item] = await this.#table.query(newest);
    return item ? { position: Number(item.key) + 1, at: item.at! } : { position: 1, at: 0 };
  }

  /** Tells the positions of this log from those of an earlier one of the same name. */
  #identify(): Promise<string> {
    this.#identity ??= this.#readIdentity().catch((error: unknown) => {
      this.#identity = undefined;
      throw error;
    });
    return this.#identity;
  }

  async #readIdentity(): Promise<string> {
    await this.#table.create({ ...identityKey, id: randomBytes(6).toString('hex') });
    return (await this.#table.get(identityKey, { consistent: true }))!.id;
  }

  async #textOf(position: number): Promise<string> {
    return `${await this.#identify()}-${position}`;
  }

  async #readPosition(text: string): Promise<number> {
    if (text === '') return 0;
    const [, id, digits] = /^([0-9a-f]{12})-(\d{1,15})$/.exec(text) ?? [];
    const position = Number(digits);
    if (id === (await this.#identify())) {
      if (position < (this.#free?.position ?? 0)) return position;
      if (position < (await this.#firstFree()).position) return position;
    }
    throw new UnknownPosition(
      `The position "${text.slice(0, 40)}" is not one of the events of ${this.#options.source}: begin without one, or at the beginning.`,
    );
  }
}

/** An event that is brought back, with the time when it was logged, in milliseconds since 1970, or a later one. */
export interface RestoredEvent extends LoggedEvent {
  readonly at: number;
}

/**
 * Brings back a log that was lost, from its first event on, in any number of calls: who has read to a position goes on
 * behind it. Events that the log has are passed over. Nobody may append meanwhile. Rejects if an event is missing before
 * those that are given.
 */
export async function restoreLog(
  { db, source }: EventLogOptions,
  events: readonly RestoredEvent[],
): Promise<void> {
  const table = db.table(withAllOperations(eventLogTable(source)));
  const [last] = await table.query(newest);
  let number = last ? Number(last.key) : 0;
  let at = last?.at ?? 0;
  const items: LogItem[] = [];
  for (const { position, event, at: loggedAt } of events) {
    if (numberOf(position) <= number) continue;
    if (numberOf(position) !== ++number)
      throw new Error(`The log of ${source} cannot be restored: event ${number} is missing.`);
    at = Math.max(at, loggedAt);
    const content = { id: event.id, event: JSON.stringify(event) };
    const subject = keyOfEvent(event.subject, event.sequence);
    items.push({ stream: positions, key: keyOf(number), ...content, at });
    items.push({ ...subject, ...content, from: number, position: number });
    if (number === 1) items.push({ ...identityKey, id: position.slice(0, position.indexOf('-')) });
  }
  await table.batchPut(items);
}

/** How many events there are up to a position that a log has given; '' is the beginning. */
export const numberOf = (position: string): number => Number(position.slice(position.indexOf('-') + 1));

const identityKey = { stream: 'identity', key: 'identity' } as const;
const positions = 'positions';
/** Finds the newest event. */
const newest = { partition: positions, order: 'descending', limit: 1, consistent: true } as const;
/** Where the table of a log has the event of a subject, with its position as soon as it has one. */
export const keyOfEvent = (subject: string, sequence: number) => ({
  stream: subjectStream(subject),
  key: keyOf(sequence),
});

const subjectStream = (subject: string): string => `subject ${subject}`;

/** Numbers as texts that are in the same order. */
const keyOf = (number: number): string => String(number).padStart(15, '0');

function conflict({ source, subject, sequence, id, type }: DomainEvent, existing: LogItem): EventConflict {
  return new EventConflict(
    `The event ${type} (${id}) of ${source} cannot be logged: event ${sequence} of "${subject}" is another one already (${existing.id}). Either its item was deleted and made again, or it was brought back from a backup.`,
    sequence,
  );
}
