/**
 * The tables of `weir rehearse-recovery`, in a process that its parent asks over the IPC channel: which of them there
 * are, to create, delete, dump and restore them. It ends with its parent.
 */
import { DeleteTableCommand, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOutage } from '../table/commands';
import { atMost, missing } from '../table/condition';
import { openDatabase } from '../table/database';
import { connectDynamoDB } from '../store/dynamodb';
import {
  eventLogTable,
  numberOf,
  openEventLog,
  restoreLog,
  type RestoredEvent,
} from '../events/log/event-log';
import { isEmpty, prepareTable } from '../serve/prepare';
import { readSettings } from '../serve/settings';
import { type AnyTableDefinition } from '../table/definition';
import { copiesTable, type ItemWritten, itemsTable, ownConsumersTable, source } from './rehearsal';

/**
 * In the order in which they are dumped, as writes go on meanwhile. How far consumers are comes before what they have
 * written: they then apply events again, which changes nothing. The log comes last: it has each event that has left the
 * outbox of an item.
 */
const tables: readonly AnyTableDefinition[] = [ownConsumersTable, itemsTable, copiesTable];
const logTable = eventLogTable(source);
const all = [...tables, logTable];
const dumpedAtOnce = 500;
const tableMilliseconds = 60_000;

type Data = ReturnType<typeof ItemWritten.create>['data'];

async function serveRequests(): Promise<void> {
  const { client, place } = await connectDynamoDB(readSettings({}, []).database!);
  const db = openDatabase({ client });

  const find = async (TableName: string): Promise<boolean> => {
    try {
      await client.send(new DescribeTableCommand({ TableName }));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };

  /**
   * Makes a table that is empty. dynalite puts what was on its way when a table was deleted into the next table of that
   * name, which then has to go, too.
   */
  async function make(table: AnyTableDefinition): Promise<void> {
    const deadline = Date.now() + tableMilliseconds;
    for (;;) {
      await prepareTable(table, { db, client, seed: false });
      if (await isEmpty(table.name, client)) return;
      if (Date.now() > deadline) throw new Error(`Others write to the table ${table.name}.`);
      await remove(table.name);
    }
  }

  /** Resolves when it is gone. A table that is being made or deleted is waited for. */
  async function remove(TableName: string): Promise<void> {
    const deadline = Date.now() + tableMilliseconds;
    for (let pause = 10; ; pause = Math.min(2 * pause, 1000)) {
      try {
        await client.send(new DeleteTableCommand({ TableName }));
      } catch (error) {
        if (isNotFound(error)) return;
        if ((error as Error).name !== 'ResourceInUseException') throw error;
      }
      if (Date.now() > deadline) throw new Error(`The table ${TableName} does not go.`);
      await sleep(pause);
    }
  }

  /** The newest of its events makes an item, unless it is as new already. What its outbox had is in the log. */
  async function applyEvents(events: readonly RestoredEvent[]): Promise<void> {
    const newest = new Map(events.map(({ event }) => [event.subject, event]));
    await Promise.all(
      Array.from(newest.values(), ({ subject, sequence, data }) =>
        db.table(itemsTable).update(
          { id: subject },
          {
            set: { ...(data as Data), eventCount: sequence },
            remove: ['outbox', 'outboxShard'],
            condition: [{ eventCount: missing }, { eventCount: atMost(sequence - 1) }],
            upsert: true,
          },
        ),
      ),
    );
  }

  const actions = {
    tables: async () => {
      const found = await Promise.all(all.map(({ name }) => find(name)));
      return all.map(({ name }) => name).filter((_, i) => found[i]);
    },
    create: async () => {
      for (const table of all) await make(table);
    },
    delete: () => Promise.all(all.map(({ name }) => remove(name))),
    /** A page of a table; of the log, a page of its events. */
    dump: async ({ table, after }: { table: string; after?: string | Record<string, unknown> }) => {
      if (table === logTable.name) {
        const events = await openEventLog({ db, source }).readAll(
          typeof after === 'string' ? after : '',
          dumpedAtOnce,
        );
        return { items: events, next: events.length < dumpedAtOnce ? undefined : events.at(-1)!.position };
      }
      const page = { TableName: table, Limit: dumpedAtOnce, ConsistentRead: true };
      const start = typeof after === 'string' ? undefined : after;
      const { Items = [], LastEvaluatedKey } = await client.send(
        new ScanCommand({ ...page, ExclusiveStartKey: start }),
      );
      return { items: Items, next: LastEvaluatedKey };
    },
    put: ({ table, items }: { table: string; items: object[] }) =>
      db.table(tables.find(({ name }) => name === table)!).batchPut(items),
    /** Into the log; those behind the position `after` into their items, too. */
    restore: async ({ events, after }: { events: RestoredEvent[]; after: string }) => {
      await restoreLog({ db, source }, events);
      await applyEvents(events.filter(({ position }) => numberOf(position) > numberOf(after)));
    },
  };

  process.on(
    'message',
    ({ id, action, request }: { id: number; action: keyof typeof actions; request: never }) => {
      actions[action](request).then(
        (result) => process.send!({ type: 'answer', id, result }),
        (error: unknown) => {
          const says = isOutage(error) ? `DynamoDB does not answer at ${place}.` : (error as Error).message;
          process.send!({ type: 'answer', id, error: says });
        },
      );
    },
  );
  process.once('disconnect', () => process.exit(0));
  process.send!({ type: 'ready', tables: all.map(({ name }) => name) });
}

const isNotFound = (error: unknown): boolean => (error as Error).name === 'ResourceNotFoundException';

void serveRequests().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(2);
});
