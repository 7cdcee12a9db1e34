import { DeleteCommand, GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { openBatches } from './batches';
import { type Commands } from './commands';
import { exists, missing, type Condition } from './condition';
import { type NewEvent } from '../events/event';
import { addEvents, changeWithEvents, noNewerEvent } from '../events/log/outbox';
import {
  conditionExpression,
  createExpressions,
  keyConditionExpression,
  updateExpression,
} from './expressions';
import { checkChangedKeys, checkIndexKeys, checkKey, pickKey } from './keys';
import { checkOperation, type Key, type KeySchema, type TableDefinition } from './definition';
import { type Measured } from '../traces/command-span';

/**
 * A table that is open. Reads are aborted with the request that `db` belongs to; writes are not. A key that no item can
 * have, and an item over 400 KB, is `BAD_USER_INPUT`: keys are non-empty strings, of at most 2,048 bytes as a partition
 * key and 1,024 as a sort key, also those of an index.
 */
export interface Table<
  Item extends object,
  KeyAttribute extends string = string,
  IndexName extends string = string,
> {
  readonly definition: TableDefinition<Item, KeyAttribute, IndexName>;
  get(key: Key<Item, KeyAttribute>, options?: ReadOptions): Promise<Item | null>;
  /**
   * Creates or replaces an item. False when the condition did not hold: nothing was written. In a table with an outbox,
   * nor is it when the stored item has written an event since `item` was read.
   */
  put(item: Item, options?: { readonly condition?: Condition<Item> } & WithNewEvents): Promise<boolean>;
  /** Creates an item. False when one exists: nothing was written. */
  create(item: Item, options?: WithNewEvents): Promise<boolean>;
  /** Changes an item and returns it. `null` when there is none or the condition did not hold: nothing was changed. */
  update(key: Key<Item, KeyAttribute>, change: Change<Item>): Promise<Item | null>;
  /**
   * Deletes an item; succeeds when there is none. False when the condition did not hold. Throws a `TypeError` in a table
   * with an outbox.
   */
  delete(key: Key<Item, KeyAttribute>, options?: { readonly condition?: Condition<Item> }): Promise<boolean>;
  query(options: QueryOptions<IndexName>): Promise<Item[]>;
  /**
   * One result per key, in the order of the keys: the item, `null`, or an error of this key. Reads
   * each key once, 100 per call, and repeats keys that DynamoDB did not process.
   */
  batchGet(keys: readonly Key<Item, KeyAttribute>[], options?: ReadOptions): Promise<(Item | null | Error)[]>;
  /** Creates or replaces all items, in no order. For seeds and imports. */
  batchPut(items: Iterable<Item>): Promise<void>;
}

export interface ReadOptions {
  /** Reads what was written last, for twice the read units. @default false */
  readonly consistent?: boolean;
}

/** Events that tell of a write, and are written with it or not at all. The table must have an outbox. */
export interface WithNewEvents {
  readonly events?: readonly NewEvent[];
}

/** A change of one item, applied whole or not at all. */
export interface Change<Item> extends WithNewEvents {
  readonly set?: Partial<Item>;
  readonly remove?: readonly (keyof Item & string)[];
  /** Adds to numbers; a missing one counts as 0. */
  readonly add?: { readonly [A in keyof Item]?: number };
  /** Appends to lists; a missing one counts as empty. */
  readonly append?: { readonly [A in keyof Item]?: readonly unknown[] };
  /** Sets entries of maps and keeps their other entries. The map itself must exist. */
  readonly setEntries?: { readonly [A in keyof Item]?: Readonly<Record<string, unknown>> };
  /** Removes entries of maps. The map itself must exist. */
  readonly removeEntries?: { readonly [A in keyof Item]?: readonly string[] };
  readonly condition?: Condition<Item>;
  /** Creates the item when there is none. @default false */
  readonly upsert?: boolean;
}

export interface QueryOptions<IndexName extends string> extends ReadOptions {
  /** @default the table itself */
  readonly index?: IndexName;
  /** The value of the partition key. */
  readonly partition: string;
  readonly sort?: SortCondition;
  /** By the sort key. @default 'ascending' */
  readonly order?: 'ascending' | 'descending';
  /** Largest number of items. @default all */
  readonly limit?: number;
  /** Starts after this item, given by its keys, those of the index included. It need not exist any more. */
  readonly after?: Readonly<Record<string, string>>;
  /** Reads what was written last, for twice the read units. A `TypeError` with `index`. @default false */
  readonly consistent?: boolean;
}

export type SortCondition =
  | { readonly equals: string }
  | { readonly beginsWith: string }
  | { readonly between: readonly [string, string] }
  | { readonly atLeast: string }
  | { readonly atMost: string };

export function openTable<Item extends object, KeyAttribute extends string, IndexName extends string>(
  definition: TableDefinition<Item, KeyAttribute, IndexName>,
  commands: Commands,
): Table<Item, KeyAttribute, IndexName> {
  const { client, signal } = commands;
  const writer = { definition, cause: commands.cause };
  const TableName = definition.name;
  const abortable = signal && { abortSignal: signal };

  function run<Result>(name: string, send: (measured: Measured) => Promise<Result>): Promise<Result> {
    return commands.run({ name, table: TableName, size: 1 }, send);
  }

  async function get(
    key: Key<Item, KeyAttribute>,
    { consistent = false }: ReadOptions = {},
  ): Promise<Item | null> {
    checkOperation(definition, 'GetItem');
    const Key = pickKey(definition, key);
    const input = { TableName, Key, ConsistentRead: consistent };
    const { Item } = await run('GetItem', (measured) =>
      client.send(new GetCommand({ ...input, ...measured }), abortable),
    );
    if (consistent && Item && definition.outbox) commands.onItem?.(definition, Item);
    return (Item as Item | undefined) ?? null;
  }

  async function put(
    item: Item,
    { condition, events = [] }: { condition?: Condition<Item> } & WithNewEvents = {},
  ): Promise<boolean> {
    checkOperation(definition, 'PutItem');
    pickKey(definition, item);
    checkIndexKeys(definition, item);
    const expressions = createExpressions();
    const ConditionExpression = allOf(
      conditionExpression(condition, expressions),
      definition.outbox && conditionExpression(noNewerEvent(item), expressions),
    );
    const Item = addEvents(item, events, writer);
    const input = { TableName, Item, ConditionExpression, ...expressions.placeholders() };
    const isWritten = await held(
      run('PutItem', (measured) => client.send(new PutCommand({ ...input, ...measured }))),
    );
    if (isWritten && events.length > 0) tellObservers(Item);
    return isWritten;
  }

  function tellObservers(item: Item): void {
    for (const observe of commands.eventObservers) observe(definition, item);
    commands.onItem?.(definition, item);
  }

  async function update(key: Key<Item, KeyAttribute>, change: Change<Item>): Promise<Item | null> {
    checkOperation(definition, 'UpdateItem');
    const Key = pickKey(definition, key);
    checkChangedKeys(definition, change.set);
    const expressions = createExpressions();
    const input = {
      TableName,
      Key,
      UpdateExpression: updateExpression(changeWithEvents(key, change, writer), expressions),
      ConditionExpression: allOf(
        change.upsert ? undefined : conditionExpression({ [definition.partitionKey]: exists }, expressions),
        conditionExpression(change.condition, expressions),
      ),
      ReturnValues: 'ALL_NEW' as const,
      ...expressions.placeholders(),
    };
    let item: Item | null = null;
    await held(
      run('UpdateItem', (measured) => client.send(new UpdateCommand({ ...input, ...measured }))).then(
        ({ Attributes }) => {
          item = Attributes as Item;
          if (change.events !== undefined && change.events.length > 0) tellObservers(item);
        },
      ),
    );
    return item;
  }

  async function remove(
    key: Key<Item, KeyAttribute>,
    { condition }: { condition?: Condition<Item> } = {},
  ): Promise<boolean> {
    if (definition.outbox)
      throw new TypeError(
        `Items of the table "${TableName}" number their events, so they are not deleted: mark them instead.`,
      );
    checkOperation(definition, 'DeleteItem');
    const Key = pickKey(definition, key);
    const expressions = createExpressions();
    const ConditionExpression = conditionExpression(condition, expressions);
    const input = { TableName, Key, ConditionExpression, ...expressions.placeholders() };
    return held(run('DeleteItem', (measured) => client.send(new DeleteCommand({ ...input, ...measured }))));
  }

  async function query(options: QueryOptions<IndexName>): Promise<Item[]> {
    const { index, partition, sort, order = 'ascending', limit = Infinity, after, consistent } = options;
    if (index === undefined) checkOperation(definition, 'Query');
    if (consistent === true && index !== undefined)
      throw new TypeError(
        `\`consistent\` is not for indexes, but got the index "${index}" of "${TableName}".`,
      );
    const keys: KeySchema = index === undefined ? definition : definition.indexes[index];
    checkKey('partition', keys.partitionKey, partition);
    const sortKey = sort && sortKeyOf(keys, index ?? TableName);
    if (sort && sortKey !== undefined)
      for (const value of Object.values(sort).flat()) checkKey('sort', sortKey, value);
    const expressions = createExpressions();
    const input = {
      TableName,
      IndexName: index,
      KeyConditionExpression: keyConditionExpression(
        { attribute: keys.partitionKey, value: partition },
        sort && sortKey !== undefined ? { attribute: sortKey, condition: sort } : undefined,
        expressions,
      ),
      ScanIndexForward: order === 'ascending',
      ...(consistent === true && { ConsistentRead: true }),
      ...expressions.placeholders(),
    };
    const items: Item[] = [];
    let start: Record<string, unknown> | undefined = after;
    // DynamoDB returns at most 1 MB per call, so a query may take several calls to reach its limit.
    do {
      const page = {
        ...input,
        ...(limit !== Infinity && { Limit: limit - items.length }),
        ExclusiveStartKey: start,
      };
      const answer = await run('Query', (measured) =>
        client.send(new QueryCommand({ ...page, ...measured }), abortable),
      );
      items.push(...((answer.Items ?? []) as Item[]));
      start = answer.LastEvaluatedKey;
    } while (start && items.length < limit);
    return items;
  }

  return {
    definition,
    get,
    put,
    create: (item, options) =>
      put(item, { ...options, condition: { [definition.partitionKey]: missing } as Condition<Item> }),
    update,
    delete: remove,
    query,
    ...openBatches(definition, commands),
  };
}

function sortKeyOf({ sortKey }: KeySchema, name: string): string {
  if (sortKey === undefined) throw new TypeError(`\`sort\` needs a sort key, but "${name}" has none.`);
  return sortKey;
}

/** True when the item was written, false when the condition did not hold. */
async function held(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

function allOf(...conditions: (string | undefined)[]): string | undefined {
  const texts = conditions.filter((text) => text !== undefined);
  return texts.length <= 1 ? texts[0] : texts.map((text) => `(${text})`).join(' AND ');
}
