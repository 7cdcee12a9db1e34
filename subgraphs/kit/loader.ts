import { type Connection, type ConnectionArgs } from './pagination';
import { type Key, type QueryOptions, type Table } from './table';

/** Loads items by their key; all keys of one tick become one `BatchGetItem` per 100. One per request. */
export interface EntityLoader<Item extends object, KeyAttribute extends string> {
  /** `null`: there is none. An entity reference is a fine key: other attributes are ignored. */
  load(key: Key<Item, KeyAttribute>): Promise<Item | null>;
  /** Says what is known now, after a write or a query. */
  prime(item: Item): void;
}

export function entityLoader<Item extends object, KeyAttribute extends string, IndexName extends string>(
  _table: Table<Item, KeyAttribute, IndexName>,
): EntityLoader<Item, KeyAttribute> {
  throw new Error('not written yet');
}

/** Loads the many of a one-to-many relation, a page at a time: one `Query` per parent and arguments. One per request. */
export interface RelationLoader<Item extends object> {
  load(parent: string, args?: ConnectionArgs): Promise<Connection<Item>>;
  /** Forgets what was loaded for a parent, after a write. */
  clear(parent: string): void;
}

export interface RelationOptions<IndexName extends string> {
  /** The table or index whose partition key holds the parent. @default the table itself */
  readonly index?: QueryOptions<IndexName>['index'];
  readonly sort?: QueryOptions<IndexName>['sort'];
  /** @default 'ascending' */
  readonly order?: QueryOptions<IndexName>['order'];
  /** How many queries are in flight at once. @default 8 */
  readonly concurrency?: number;
}

export function relationLoader<Item extends object, KeyAttribute extends string, IndexName extends string>(
  _table: Table<Item, KeyAttribute, IndexName>,
  _options: RelationOptions<IndexName> = {},
): RelationLoader<Item> {
  throw new Error('not written yet');
}

/** Loads the one item that has this value as the partition key of an index, e.g. a product by its `sku`. */
export interface LookupLoader<Item extends object> {
  load(value: string): Promise<Item | null>;
}

export function lookupLoader<Item extends object, KeyAttribute extends string, IndexName extends string>(
  _table: Table<Item, KeyAttribute, IndexName>,
  _options: { readonly index: IndexName; readonly concurrency?: number },
): LookupLoader<Item> {
  throw new Error('not written yet');
}
