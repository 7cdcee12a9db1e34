import { atMost, missing } from '../../table/condition';
import { type EventObserver } from '../../table/commands';
import { type Database } from '../../table/database';
import { eventLogTable, keyOfEvent, numberOf, type EventLog } from './event-log';
import { subjectOf, type WithOutbox } from './outbox';

/** Lets answers of mutations wait until an archive has the events of the items that they have written or found. */
export interface ArchiveWait {
  /** Notes that an archive has all events up to a position. Rejects with an `UnknownPosition`. */
  note(position: string): Promise<void>;
  /** Follows the items of one request. */
  follow(): FollowedItems;
}

export interface FollowedItems {
  readonly onItem: EventObserver;
  /** Resolves with true as soon as an archive has the events of all these items, with false after the longest wait. */
  readonly archived: () => Promise<boolean>;
}

export interface ArchiveWaitOptions {
  readonly db: Database;
  /** The name of the subgraph. */
  readonly source: string;
  readonly eventLog: Pick<EventLog, 'readAll'>;
  /** The longest wait, in milliseconds. */
  readonly longest: number;
}

/** The last event that an item has written. */
interface LastEvent {
  readonly subject: string;
  readonly sequence: number;
  /** Undefined: it has left the outbox. */
  readonly id: string | undefined;
}

/** Where the log's table has the position up to which all events are archived. It is lost with the log, never before. */
const mark = { stream: 'archived', key: 'archived' } as const;

const shortestPause = 20;
const longestPause = 500;

/** An event is archived once it has a position in the log, and the mark is at that position or behind it. */
export function openArchiveWait({ db, source, eventLog, longest }: ArchiveWaitOptions): ArchiveWait {
  const table = db.table(eventLogTable(source));
  const waiting = new Set<() => void>();
  let reading: Promise<number> | undefined;

  return {
    async note(position) {
      if (position === '') return;
      // Rejects where the log has not given it.
      await eventLog.readAll(position, 1);
      const number = numberOf(position);
      const condition = [{ position: missing }, { position: atMost(number - 1) }];
      await table.update(mark, { set: { position: number }, condition, upsert: true });
      for (const wake of waiting) wake();
    },

    follow() {
      const items = new Map<string, LastEvent>();
      return {
        onItem(definition, item) {
          const { eventCount: sequence = 0, outbox }: WithOutbox = item;
          if (sequence === 0) return;
          const subject = subjectOf(definition, item);
          const last = outbox?.at(-1);
          const id = last === undefined ? undefined : (JSON.parse(last) as { id: string }).id;
          if ((items.get(subject)?.sequence ?? 0) <= sequence) items.set(subject, { subject, sequence, id });
        },
        async archived() {
          const end = performance.now() + longest;
          for (const event of items.values()) if (!(await isArchived(event, end))) return false;
          return true;
        },
      };
    },
  };

  async function isArchived(event: LastEvent, end: number): Promise<boolean> {
    let position: number | undefined;
    for (let pause = shortestPause; ; pause = Math.min(2 * pause, longestPause)) {
      position ??= await positionOf(event);
      if (position !== undefined && (await readMark()) >= position) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      await pauseOrNote(Math.min(pause, left));
    }
  }

  /** Undefined until it is logged. Another event may be there that is to be numbered anew. */
  async function positionOf({ subject, sequence, id }: LastEvent): Promise<number | undefined> {
    const logged = await table.get(keyOfEvent(subject, sequence), { consistent: true });
    return id === undefined || logged?.id === id ? logged?.position : undefined;
  }

  /** One read for all who wait at this moment. */
  function readMark(): Promise<number> {
    reading ??= table
      .get(mark, { consistent: true })
      .then((item) => item?.position ?? 0)
      .finally(() => (reading = undefined));
    return reading;
  }

  function pauseOrNote(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      waiting.add(wake);
    });
  }
}
