import { type Database } from './database';

/** Attributes of an item that may be a key of a table or an index: those that hold strings. */
export type StringAttribute<Item> = Item extends unknown
  ? { [A in keyof Item & string]-?: NonNullable<Item[A]> extends string ? A : never }[keyof Item & string]
  : never;

/**
 * A table as code states it, once: keys, indexes, seed. Made by {@link defineTable}, opened with `db.table(definition)`.
 * Keys are strings; an item that lacks the keys of an index is not in that index.
 */
export interface TableDefinition<Item extends object, KeyAttribute extends string, IndexName extends string> {
  readonly name: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute | undefined;
  readonly indexes: Readonly<Record<IndexName, IndexDefinition>>;
  readonly seed?: (() => Iterable<Item>) | undefined;
}

export interface IndexDefinition {
  readonly partitionKey: string;
  readonly sortKey?: string | undefined;
}

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one way to say "a table of whatever items" */
export type AnyTableDefinition = TableDefinition<any, string, string>;

/**
 * States a table. The item type is given, everything else inferred:
 * ```ts
 * export const reviewsTable = defineTable<Review>()({
 *   name: 'reviews',
 *   partitionKey: 'id',
 *   indexes: { byProduct: { partitionKey: 'upc', sortKey: 'createdAt' } },
 *   seed: seedReviews, // written once, after the table was created
 * });
 * ```
 */
export function defineTable<Item extends object>() {
  return <
    const Partition extends StringAttribute<Item>,
    const Sort extends StringAttribute<Item> = never,
    const IndexName extends string = never,
  >(definition: {
    readonly name: string;
    readonly partitionKey: Partition;
    readonly sortKey?: Sort;
    readonly indexes?: Readonly<
      Record<IndexName, { partitionKey: StringAttribute<Item>; sortKey?: StringAttribute<Item> }>
    >;
    readonly seed?: () => Iterable<Item>;
  }): TableDefinition<Item, Partition | Sort, IndexName> => ({
    ...definition,
    indexes: (definition.indexes ?? {}) as Record<IndexName, IndexDefinition>,
  });
}

/** The attributes that identify an item; further attributes of the object are ignored, so an entity reference will do. */
export type Key<Item, KeyAttribute extends string> = { readonly [A in KeyAttribute]: string } & {
  [A in keyof Item]?: unknown;
};

/** What must be true of the item as it is now. All of an object's tests must hold; of an array of objects, any one. */
export type Condition<Item> = Tests<Item> | readonly Tests<Item>[];
type Tests<Item> = { readonly [A in keyof Item]?: Item[A] | Test };

/** A test of one attribute; a plain value tests for equality. */
export interface Test {
  readonly test: 'exists' | 'missing' | 'atLeast' | 'atMost' | 'not' | 'hasEntry' | 'lacksEntry';
  readonly operand?: unknown;
}
export const exists: Test = { test: 'exists' };
export const missing: Test = { test: 'missing' };
export const atLeast = (least: number | string): Test => ({ test: 'atLeast', operand: least });
export const atMost = (most: number | string): Test => ({ test: 'atMost', operand: most });
export const not = (value: unknown): Test => ({ test: 'not', operand: value });
/** The attribute is a map that has an entry of this name. */
export const hasEntry = (name: string): Test => ({ test: 'hasEntry', operand: name });
/** The attribute is missing, or a map without an entry of this name. */
export const lacksEntry = (name: string): Test => ({ test: 'lacksEntry', operand: name });

/** A change of one item, applied whole or not at all. */
export interface Change<Item> {
  readonly set?: Partial<Item>;
  readonly remove?: readonly (keyof Item & string)[];
  /** Adds to numbers; a missing one counts as 0. */
  readonly add?: { readonly [A in keyof Item]?: number };
  /** Appends to lists; a missing one counts as empty. */
  readonly append?: { readonly [A in keyof Item]?: readonly unknown[] };
  /** Sets entries of maps and keeps their other entries. The map itself must exist. */
  readonly setEntries?: { readonly [A in keyof Item]?: Readonly<Record<string, unknown>> };
  /** Removes entries of maps. */
  readonly removeEntries?: { readonly [A in keyof Item]?: readonly string[] };
  readonly condition?: Condition<Item>;
  /** Creates the item when there is none. @default false */
  readonly upsert?: boolean;
}

export type SortCondition =
  | { readonly equals: string }
  | { readonly beginsWith: string }
  | { readonly between: readonly [string, string] }
  | { readonly atLeast: string }
  | { readonly atMost: string };

export interface QueryOptions<IndexName extends string> {
  /** @default the table itself */
  readonly index?: IndexName | undefined;
  /** The value of the partition key. */
  readonly partition: string;
  readonly sort?: SortCondition | undefined;
  /** By the sort key. @default 'ascending' */
  readonly order?: 'ascending' | 'descending' | undefined;
  /** How many items at most. @default all */
  readonly limit?: number | undefined;
  /** Starts behind this item, which need not exist any more: its keys, those of the index included. */
  readonly after?: Readonly<Record<string, string>> | undefined;
}

export interface Page<Item> {
  readonly items: Item[];
  /** There are more items behind the last one. */
  readonly more: boolean;
}

/** A table that is open. Reads are aborted with the request that `db` belongs to, writes are not. */
export interface Table<
  Item extends object,
  KeyAttribute extends string = string,
  IndexName extends string = string,
> {
  readonly definition: TableDefinition<Item, KeyAttribute, IndexName>;
  get(key: Key<Item, KeyAttribute>, options?: { consistent?: boolean }): Promise<Item | null>;
  /** Writes the item, whether it is there or not. False: the condition did not hold, nothing was written. */
  put(item: Item, options?: { condition?: Condition<Item> }): Promise<boolean>;
  /** Writes an item that must not be there yet. False: it was, nothing was written. */
  create(item: Item): Promise<boolean>;
  /** The item after the change. `null`: it does not exist or the condition did not hold, nothing was changed. */
  update(key: Key<Item, KeyAttribute>, change: Change<Item>): Promise<Item | null>;
  /** False: the condition did not hold. Deleting what is not there succeeds. */
  delete(key: Key<Item, KeyAttribute>, options?: { condition?: Condition<Item> }): Promise<boolean>;
  query(options: QueryOptions<IndexName>): Promise<Page<Item>>;
  /** One answer per key, in the order of the keys: the item, `null` when there is none, or why this key failed. */
  batchGet(keys: readonly Key<Item, KeyAttribute>[]): Promise<(Item | null | Error)[]>;
  /** Writes all items, in no order; each replaces what is there. For seeds and imports. */
  batchPut(items: Iterable<Item>): Promise<void>;
}
export type { Database };
