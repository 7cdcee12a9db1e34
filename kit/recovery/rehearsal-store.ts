/**
 * The tables of `weir rehearse-recovery`, in a process that its parent asks over the IPC channel: which of them there
 * are, to create, delete, dump and restore them. It ends with its parent.
 */
import { DeleteTableCommand, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ScanCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOutage } from '../table/commands';
import { atMost, missing } from '../table/condition';
import { openDatabase, type Database } from '../table/database';
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

type DumpPosition = string | Record<string, unknown>;

/** The tables by their requests. */
class RehearsalTables {
  readonly #client: DynamoDBDocumentClient;
  readonly #db: Database;

  constructor(client: DynamoDBDocumentClient) {
    this.#client = client;
    this.#db = openDatabase({ client });
  }

  /** The names of those that are there. */
  async tables(): Promise<string[]> {
    const found = await Promise.all(all.map(({ name }) => this.#find(name)));
    return all.map(({ name }) => name).filter((_, i) => found[i]);
  }

  async create(): Promise<void> {
    for (const table of all) await this.#create(table);
  }

  async delete(): Promise<void> {
    await Promise.all(all.map(({ name }) => this.#delete(name)));
  }

  /** A page of a table; of the log, a page of its events. */
  async dump({ table, after }: { table: string; after?: DumpPosition }) {
    if (table === logTable.name) {
      const position = typeof after === 'string' ? after : '';
      const items = await openEventLog({ db: this.#db, source }).readAll(position, dumpedAtOnce);
      return { items, next: items.length < dumpedAtOnce ? undefined : items.at(-1)!.position };
    }
    const page = { TableName: table, Limit: dumpedAtOnce, ConsistentRead: true };
    const ExclusiveStartKey = typeof after === 'string' ? undefined : after;
    const { Items: items = [], LastEvaluatedKey: next } = await this.#client.send(
      new ScanCommand({ ...page, ExclusiveStartKey }),
    );
    return { items, next };
  }

  put({ table, items }: { table: string; items: object[] }): Promise<void> {
    return this.#db.table(tables.find(({ name }) => name === table)!).batchPut(items);
  }

  /** Into the log; those behind the position `after` into their items, too. */
  async restore({ events, after }: { events: RestoredEvent[]; after: string }): Promise<void> {
    await restoreLog({ db: this.#db, source }, events);
    await this.#apply(events.filter(({ position }) => numberOf(position) > numberOf(after)));
  }

  async #find(TableName: string): Promise<boolean> {
    try {
      await this.#client.send(new DescribeTableCommand({ TableName }));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /**
   * Makes a table that is empty. dynalite puts what was on its way when a table was deleted into the next table of that
   * name, which then has to go, too.
   */
  async #create(table: AnyTableDefinition): Promise<void> {
    const deadline = Date.now() + tableMilliseconds;
    for (;;) {
      await prepareTable(table, { db: this.#db, client: this.#client, seed: false });
      if (await isEmpty(table.name, this.#client)) return;
      if (Date.now() > deadline) throw new Error(`Others write to the table ${table.name}.`);
      await this.#delete(table.name);
    }
  }

  /** Resolves when it is gone. A table that is being made or deleted is waited for. */
  async #delete(TableName: string): Promise<void> {
    const deadline = Date.now() + tableMilliseconds;
    for (let pause = 10; ; pause = Math.min(2 * pause, 1000)) {
      try {
        await this.#client.send(new DeleteTableCommand({ TableName }));
      } catch (error) {
        if (isNotFound(error)) return;
        if ((error as Error).name !== 'ResourceInUseException') throw error;
      }
      if (Date.now() > deadline) throw new Error(`The table ${TableName} does not go.`);
      await sleep(pause);
    }
  }

  /** The newest of its events makes an item, unless it is as new already. What its outbox had is in the log. */
  async #apply(events: readonly RestoredEvent[]): Promise<void> {
    const newest = new Map(events.map(({ event }) => [event.subject, event]));
    const table = this.#db.table(itemsTable);
    await Promise.all(
      Array.from(newest.values(), ({ subject: id, sequence, data }) =>
        table.update(
          { id },
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
}

interface ActionMessage {
  readonly id: number;
  readonly action: 'tables' | 'create' | 'delete' | 'dump' | 'put' | 'restore';
  readonly request: never;
}

async function serveRequests(): Promise<void> {
  const { client, place } = await connectDynamoDB(readSettings({}, []).database!);
  const rehearsal = new RehearsalTables(client);
  process.on('message', ({ id, action, request }: ActionMessage) => {
    rehearsal[action](request).then(
      (result: unknown) => process.send!({ type: 'answer', id, result }),
      (error: unknown) => {
        const message = isOutage(error) ? `DynamoDB does not answer at ${place}.` : (error as Error).message;
        process.send!({ type: 'answer', id, error: message });
      },
    );
  });
  process.once('disconnect', () => process.exit(0));
  process.send!({ type: 'ready', tables: all.map(({ name }) => name) });
}

const isNotFound = (error: unknown): boolean => (error as Error).name === 'ResourceNotFoundException';

void serveRequests().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(2);
});
