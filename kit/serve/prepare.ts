import { CreateTableCommand, DescribeTableCommand, type TableDescription } from '@aws-sdk/client-dynamodb';
import { ScanCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database } from '../table/database';
import { exists, missing } from '../table/condition';
import { SeenLeases } from '../store/seen-leases';
import { StartError } from './start-error';
import {
  withAllOperations,
  type AnyTableDefinition,
  type KeySchema,
  type TableDefinition,
} from '../table/definition';

export interface PrepareOptions {
  readonly db: Database;
  readonly client: DynamoDBDocumentClient;
  /** Writes the seed of a new or empty table. */
  readonly seed: boolean;
  readonly signal?: AbortSignal;
}

const activeWithinMilliseconds = 60_000;

/**
 * Brings a table to the state in which it can be used: created, active, seeded. Any number of processes may do this at
 * once: one of them creates, one of them seeds, all of them wait until it is done.
 */
export async function prepareTable(definition: AnyTableDefinition, options: PrepareOptions): Promise<void> {
  const { client } = options;
  let table = await describe(definition.name, client);
  if (!table) {
    await create(definition, client);
    table = await describe(definition.name, client);
  }
  const deadline = Date.now() + activeWithinMilliseconds;
  for (let pause = 10; !table || !isActive(table); pause = Math.min(pause * 2, 1000)) {
    if (Date.now() > deadline) throw new StartError(`The table "${definition.name}" does not become active.`);
    await sleep(pause, undefined, { signal: options.signal });
    table = await describe(definition.name, client);
  }
  checkKeys(definition, table);
  if (definition.seed && options.seed) await seed(definition, definition.seed, options);
}

async function describe(
  TableName: string,
  client: DynamoDBDocumentClient,
): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (isNamed(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
}

async function create(definition: AnyTableDefinition, client: DynamoDBDocumentClient): Promise<void> {
  const indexes = Object.entries(definition.indexes);
  const attributes = new Set(
    [definition as KeySchema, ...Object.values(definition.indexes)].flatMap(({ partitionKey, sortKey }) =>
      sortKey === undefined ? [partitionKey] : [partitionKey, sortKey],
    ),
  );
  const input = {
    TableName: definition.name,
    BillingMode: 'PAY_PER_REQUEST' as const,
    AttributeDefinitions: [...attributes].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S' as const,
    })),
    KeySchema: keySchema(definition),
    ...(indexes.length > 0 && {
      GlobalSecondaryIndexes: indexes.map(([IndexName, keys]) => ({
        IndexName,
        KeySchema: keySchema(keys),
        Projection: { ProjectionType: 'ALL' as const },
      })),
    }),
  };
  try {
    await client.send(new CreateTableCommand(input));
  } catch (error) {
    // Another process creates it at this moment.
    if (!isNamed(error, 'ResourceInUseException')) throw error;
  }
}

function keySchema({ partitionKey, sortKey }: KeySchema) {
  const partition = { AttributeName: partitionKey, KeyType: 'HASH' as const };
  return sortKey === undefined
    ? [partition]
    : [partition, { AttributeName: sortKey, KeyType: 'RANGE' as const }];
}

function isActive(table: TableDescription): boolean {
  const indexes = table.GlobalSecondaryIndexes ?? [];
  return table.TableStatus === 'ACTIVE' && indexes.every(({ IndexStatus }) => IndexStatus === 'ACTIVE');
}

/** Compares the keys and indexes of an existing table with the code's, so that the start fails and not each query. */
function checkKeys(definition: AnyTableDefinition, table: TableDescription): void {
  const actual = new Map([
    ['', table.KeySchema],
    ...(table.GlobalSecondaryIndexes ?? []).map((index) => [index.IndexName ?? '', index.KeySchema] as const),
  ]);
  for (const [name, keys] of [
    ['', definition as KeySchema] as const,
    ...Object.entries(definition.indexes),
  ]) {
    const found = actual.get(name)?.map((key) => key.AttributeName);
    const wanted = keySchema(keys).map((key) => key.AttributeName);
    if (found?.join() === wanted.join()) continue;
    const what =
      name === '' ? `table "${definition.name}"` : `index "${name}" of the table "${definition.name}"`;
    throw new StartError(
      found
        ? `The ${what} has the keys ${found.join(', ')}, but the code wants ${wanted.join(', ')}: migrate or delete the table.`
        : `The ${what} does not exist: add it, or delete the table so that it is created anew.`,
    );
  }
}

/** The mark of a seeding process: an item of the table with a reserved key, in none of its indexes. */
interface SeedMark {
  readonly state: 'seeding' | 'seeded';
  readonly owner: string;
  /** How often the owner has renewed its lease. */
  readonly renewals: number;
}

const seedSliceSize = 200;
const leaseMilliseconds = 3000;
const markKey = '#seed';

/**
 * Writes the seed once in the life of a table. A mark in the table names the seeding process; one that dies half-way
 * stops renewing its mark, and another one starts again. Nobody uses the table before it is seeded.
 */
async function seed(
  definition: AnyTableDefinition,
  items: () => Iterable<object>,
  { db, client, signal }: PrepareOptions,
): Promise<void> {
  const table = db.table(withAllOperations(definition));
  const marks = db.table(markTable(definition));
  const key = {
    [definition.partitionKey]: markKey,
    ...(definition.sortKey && { [definition.sortKey]: markKey }),
  };
  const owner = randomUUID();
  let renewals = 0;
  const mark = (state: SeedMark['state']) => ({ state, owner, renewals: renewals++ });
  const seen = new SeenLeases();

  for (;;) {
    const current = await marks.get(key, { consistent: true });
    if (current?.state === 'seeded') return;
    if (!current && !(await isEmpty(definition.name, client))) return;
    if (!current || seen.age(markKey, `${current.owner} ${current.renewals}`) > leaseMilliseconds) {
      const condition = current ? { owner: current.owner, renewals: current.renewals } : { state: missing };
      if (await marks.update(key, { set: mark('seeding'), condition, upsert: true })) break;
    }
    await sleep(100, undefined, { signal });
  }

  const renewal = setInterval(() => {
    // The loop below notices a lease that was not renewed.
    marks.update(key, { set: mark('seeding'), condition: { owner } }).catch(() => undefined);
  }, leaseMilliseconds / 3);
  try {
    for (const slice of slicesOf(items(), seedSliceSize)) {
      signal?.throwIfAborted();
      await table.batchPut(slice);
    }
  } finally {
    clearInterval(renewal);
  }
  await marks.update(key, { set: mark('seeded'), condition: { owner, state: exists } });
}

function* slicesOf<Item>(items: Iterable<Item>, size: number): Generator<Item[]> {
  let slice: Item[] = [];
  for (const item of items) {
    if (slice.push(item) < size) continue;
    yield slice;
    slice = [];
  }
  yield slice;
}

function markTable({
  name,
  partitionKey,
  sortKey,
}: AnyTableDefinition): TableDefinition<SeedMark, string, never> {
  return { name, partitionKey, ...(sortKey !== undefined && { sortKey }), indexes: {} };
}

/** Whether a table has no item. */
export async function isEmpty(TableName: string, client: DynamoDBDocumentClient): Promise<boolean> {
  const { Count } = await client.send(
    new ScanCommand({ TableName, Limit: 1, Select: 'COUNT', ConsistentRead: true }),
  );
  return Count === 0;
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
