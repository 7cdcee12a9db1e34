import { DeleteCommand, GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { openBatches } from './batches';
import { type Commands } from './commands';
import { exists, missing, type Condition } from './condition';
import { type NewEvent } from '../events/event';
import { addEvents, changeWithEvents, noNewerEvent, type EventWriter } from '../events/log/outbox';
import {
  conditionExpression,
  createExpressions,
  keyConditionExpression,
  updateExpression,
} from './expressions';
import { checkChangedKeys, checkIndexKeys, checkKey, pickKey } from './keys';
import { checkOperation, type Key, type KeySchema, type TableDefinition } from './definition';
import { type CapacityRequest } from '../traces/command-span';

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

/** Events that report a write, and are written with it or not at all. The table must have an outbox. */
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
  return new OpenTable(definition, commands);
}

class OpenTable<Item extends object, KeyAttribute extends string, IndexName extends string> implements Table<
  Item,
  KeyAttribute,
  IndexName
> {
  readonly definition: TableDefinition<Item, KeyAttribute, IndexName>;
  readonly batchGet: Table<Item, KeyAttribute, IndexName>['batchGet'];
  readonly batchPut: Table<Item, KeyAttribute, IndexName>['batchPut'];
  readonly #commands: Commands;
  readonly #abortable: { readonly abortSignal: AbortSignal } | undefined;

  constructor(definition: TableDefinition<Item, KeyAttribute, IndexName>, commands: Commands) {
    this.definition = definition;
    this.#commands = commands;
    this.#abortable = commands.signal && { abortSignal: commands.signal };
    ({ batchGet: this.batchGet, batchPut: this.batchPut } = openBatches(definition, commands));
  }

  async get(key: Key<Item, KeyAttribute>, { consistent = false }: ReadOptions = {}): Promise<Item | null> {
    const { definition } = this;
    const { client, onItem } = this.#commands;
    checkOperation(definition, 'GetItem');
    const input = { TableName: definition.name, Key: pickKey(definition, key), ConsistentRead: consistent };
    const { Item } = await this.#run('GetItem', (measured) =>
      client.send(new GetCommand({ ...input, ...measured }), this.#abortable),
    );
    if (consistent && Item && definition.outbox) onItem?.(definition, Item);
    return (Item as Item | undefined) ?? null;
  }

  async put(
    item: Item,
    { condition, events = [] }: { condition?: Condition<Item> } & WithNewEvents = {},
  ): Promise<boolean> {
    const { definition } = this;
    const { client } = this.#commands;
    checkOperation(definition, 'PutItem');
    pickKey(definition, item);
    checkIndexKeys(definition, item);
    const expressions = createExpressions();
    const ConditionExpression = allOf(
      conditionExpression(condition, expressions),
      definition.outbox && conditionExpression(noNewerEvent(item), expressions),
    );
    const Item = addEvents(item, events, this.#writer);
    const placeholders = expressions.placeholders();
    const input = { TableName: definition.name, Item, ConditionExpression, ...placeholders };
    const isWritten = await held(
      this.#run('PutItem', (measured) => client.send(new PutCommand({ ...input, ...measured }))),
    );
    if (isWritten && events.length > 0) this.#reportEvents(Item);
    return isWritten;
  }

  create(item: Item, options?: WithNewEvents): Promise<boolean> {
    const condition = { [this.definition.partitionKey]: missing } as Condition<Item>;
    return this.put(item, { ...options, condition });
  }

  async update(key: Key<Item, KeyAttribute>, change: Change<Item>): Promise<Item | null> {
    const { definition } = this;
    const { client } = this.#commands;
    checkOperation(definition, 'UpdateItem');
    const Key = pickKey(definition, key);
    checkChangedKeys(definition, change.set);
    const expressions = createExpressions();
    const input = {
      TableName: definition.name,
      Key,
      UpdateExpression: updateExpression(changeWithEvents(key, change, this.#writer), expressions),
      ConditionExpression: allOf(
        change.upsert ? undefined : conditionExpression({ [definition.partitionKey]: exists }, expressions),
        conditionExpression(change.condition, expressions),
      ),
      ReturnValues: 'ALL_NEW' as const,
      ...expressions.placeholders(),
    };
    let item: Item | null = null;
    const write = this.#run('UpdateItem', (measured) =>
      client.send(new UpdateCommand({ ...input, ...measured })),
    );
    await held(
      write.then(({ Attributes }) => {
        item = Attributes as Item;
        if (change.events !== undefined && change.events.length > 0) this.#reportEvents(item);
      }),
    );
    return item;
  }

  async delete(
    key: Key<Item, KeyAttribute>,
    { condition }: { condition?: Condition<Item> } = {},
  ): Promise<boolean> {
    const { name, outbox } = this.definition;
    if (outbox)
      throw new TypeError(
        `Items of the table "${name}" number their events, so they are not deleted: mark them instead.`,
      );
    checkOperation(this.definition, 'DeleteItem');
    const Key = pickKey(this.definition, key);
    const expressions = createExpressions();
    const ConditionExpression = conditionExpression(condition, expressions);
    const input = { TableName: name, Key, ConditionExpression, ...expressions.placeholders() };
    return held(
      this.#run('DeleteItem', (measured) =>
        this.#commands.client.send(new DeleteCommand({ ...input, ...measured })),
      ),
    );
  }

  async query(options: QueryOptions<IndexName>): Promise<Item[]> {
    const { limit = Infinity, after } = options;
    const { client } = this.#commands;
    const input = this.#queryInput(options);
    const items: Item[] = [];
    let start: Record<string, unknown> | undefined = after;
    // DynamoDB returns at most 1 MB per call, so a query may take several calls to reach its limit.
    do {
      const page = {
        ...input,
        ...(limit !== Infinity && { Limit: limit - items.length }),
        ExclusiveStartKey: start,
      };
      const answer = await this.#run('Query', (measured) =>
        client.send(new QueryCommand({ ...page, ...measured }), this.#abortable),
      );
      items.push(...((answer.Items ?? []) as Item[]));
      start = answer.LastEvaluatedKey;
    } while (start && items.length < limit);
    return items;
  }

  #queryInput({ index, partition, sort, order = 'ascending', consistent }: QueryOptions<IndexName>) {
    const { definition } = this;
    const { name } = definition;
    if (index === undefined) checkOperation(definition, 'Query');
    if (consistent === true && index !== undefined)
      throw new TypeError(`\`consistent\` is not for indexes, but got the index "${index}" of "${name}".`);
    const keys: KeySchema = index === undefined ? definition : definition.indexes[index];
    checkKey('partition', keys.partitionKey, partition);
    const sortBy = sort && { attribute: sortKeyOf(keys, index ?? name), condition: sort };
    for (const value of Object.values(sort ?? {}).flat()) checkKey('sort', sortBy!.attribute, value);
    const expressions = createExpressions();
    const partitionBy = { attribute: keys.partitionKey, value: partition };
    return {
      TableName: name,
      IndexName: index,
      KeyConditionExpression: keyConditionExpression(partitionBy, sortBy, expressions),
      ScanIndexForward: order === 'ascending',
      ...(consistent === true && { ConsistentRead: true }),
      ...expressions.placeholders(),
    };
  }

  get #writer(): EventWriter {
    return { definition: this.definition, cause: this.#commands.cause };
  }

  #run<Result>(name: string, send: (measured: CapacityRequest) => Promise<Result>): Promise<Result> {
    return this.#commands.run({ name, table: this.definition.name, size: 1 }, send);
  }

  /** An item was written with events. */
  #reportEvents(item: Item): void {
    for (const observe of this.#commands.eventObservers) observe(this.definition, item);
    this.#commands.onItem?.(this.definition, item);
  }
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
