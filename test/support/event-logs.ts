import { z } from 'zod';
import { defineEvent, defineTable, type DomainEvent, type WithOutbox, type WithRequests } from '../../kit';
import { openDatabase, type Database, type DatabaseOptions } from '../../kit/table/database';
import { openEventLog, eventLogTable, type EventLog } from '../../kit/events/log/event-log';
import { prepareTable } from '../../kit/serve/prepare';
import { openTestDatabase } from './subgraph-kit';

/** A database for logs of events, each in a table of its own. */
export async function openEventDatabase() {
  const { db, client, stop } = await openTestDatabase();
  let count = 0;
  return {
    db,
    client,
    stop,
    /** Opens a log that nobody has written to. `again` opens it as another process would. */
    async newLog(): Promise<{ source: string; log: EventLog; again: (db?: Database) => EventLog }> {
      const source = `source${count++}`;
      await prepareTable(eventLogTable(source), { db, client, seed: false });
      const again = (other = db) => openEventLog({ db: other, source });
      return { source, log: again(), again };
    },
  };
}

/** An event as a relay makes it. */
export const eventOf = (
  source: string,
  subject: string,
  sequence: number,
  { type = 'Moved', data }: { readonly type?: string; readonly data?: unknown } = {},
): DomainEvent => ({
  specversion: '1.0',
  id: `${source} ${subject} ${sequence}`,
  source,
  type,
  dataversion: 1,
  subject,
  sequence,
  time: '2026-01-02T03:04:05.678Z',
  data: data ?? null,
  correlationid: 'r1',
});

/** A database whose commands fail behind the first `life` ones, as those of a process that has ended. */
export function dyingAfter({ client }: Pick<DatabaseOptions, 'client'>, life: number): Database {
  let left = life;
  const dying = {
    send: (...args: Parameters<typeof client.send>) =>
      left-- > 0 ? client.send(...args) : Promise.reject(new Error('It has ended.')),
  };
  return openDatabase({ client: dying as unknown as typeof client });
}

interface Parcel extends WithOutbox, WithRequests {
  readonly id: string;
  readonly place?: string;
}

/** A table with an outbox. */
export const parcelsTableOf = (source: string) =>
  defineTable<Parcel>()({ name: `parcels-${source}`, partitionKey: 'id', outbox: true });

export const Moved = defineEvent({ type: 'Moved', data: z.object({ to: z.string() }) });
/** What a write needs to tell of a move. */
export const moved = (to: string) => ({ events: [Moved.create({ to })] });
