import DataLoader from 'dataloader';
import { createLimiter } from '../serve/limiter';
import { queryConnection, type Connection, type ConnectionArgs, type ConnectionQuery } from './pagination';
import { type ReadOptions, type Table } from './table';
import { type AnyTableDefinition, type Key } from './definition';

/** Loads items by their key; all keys of one tick become one `BatchGetItem` per 100. One per request. */
export interface EntityLoader<Item extends object, KeyAttribute extends string> {
  /** The item, or `null`. A reference (`__resolveReference`) may be the key: other attributes are ignored. */
  load(key: Key<Item, KeyAttribute>): Promise<Item | null>;
  /** Puts an item into the loader after a write or a query. */
  prime(item: Item): void;
}

/** Reads consistently by default where the table has an outbox: see `hasEvents`. */
export function entityLoader<Item extends object, KeyAttribute extends string, IndexName extends string>(
  table: Table<Item, KeyAttribute, IndexName>,
  { consistent = hasEvents(table.definition) }: ReadOptions = {},
): EntityLoader<Item, KeyAttribute> {
  const { partitionKey, sortKey } = table.definition;
  const textOf = (key: Key<Item, KeyAttribute>) =>
    JSON.stringify(sortKey === undefined ? key[partitionKey] : [key[partitionKey], key[sortKey]]);
  const loader = new DataLoader<Key<Item, KeyAttribute>, Item | null, string>(
    (keys) => table.batchGet(keys, { consistent }),
    {
      cacheKeyFn: textOf,
    },
  );
  return {
    load: (key) => loader.load(key),
    prime(item) {
      const key = item as unknown as Key<Item, KeyAttribute>;
      loader.clear(key).prime(key, item);
    },
  };
}

/** Loads pages of a one-to-many relation: one `Query` per parent and arguments. One loader per request. */
export interface RelationLoader<Item extends object> {
  load(parent: string, args?: ConnectionArgs): Promise<Connection<Item>>;
  /** Clears the loader after a write. */
  clear(): void;
}

export interface RelationOptions<IndexName extends string> extends Omit<
  ConnectionQuery<IndexName>,
  'partition'
> {
  /** Largest number of queries in flight. @default 8 */
  readonly concurrency?: number;
}

/**
 * `index` (or the table itself) is the one whose partition key holds the parent. `consistent` is for the table itself,
 * and is on by default where it has an outbox: see `hasEvents`.
 */
export function relationLoader<Item extends object, KeyAttribute extends string, IndexName extends string>(
  table: Table<Item, KeyAttribute, IndexName>,
  { concurrency = 8, ...options }: RelationOptions<IndexName> = {},
): RelationLoader<Item> {
  const consistent = options.index === undefined && hasEvents(table.definition);
  const query = { consistent, ...options };
  const limiter = createLimiter(concurrency);
  type Request = readonly [parent: string, args: ConnectionArgs];
  const loader = new DataLoader<Request, Connection<Item>, string>(
    (requests) =>
      settle(requests, ([partition, args]) =>
        limiter(() => queryConnection(table, { ...query, partition }, args)),
      ),
    { cacheKeyFn: ([parent, { first, after }]) => JSON.stringify([parent, first ?? null, after ?? null]) },
  );
  return {
    load: (parent, args = {}) => loader.load([parent, args]),
    clear: () => void loader.clearAll(),
  };
}

/** Loads the one item that has a value as the partition key of an index, e.g. a product by its `sku`. */
export interface LookupLoader<Item extends object> {
  /** The item, or `null`. */
  load(value: string): Promise<Item | null>;
}

export function lookupLoader<Item extends object, KeyAttribute extends string, IndexName extends string>(
  table: Table<Item, KeyAttribute, IndexName>,
  { index, concurrency = 8 }: { readonly index: IndexName; readonly concurrency?: number },
): LookupLoader<Item> {
  const limiter = createLimiter(concurrency);
  const loader = new DataLoader<string, Item | null>((values) =>
    settle(values, (partition) =>
      limiter(async () => (await table.query({ index, partition, limit: 1 }))[0] ?? null),
    ),
  );
  return { load: (value) => loader.load(value) };
}

/**
 * Whether events report an item's changes. Who gets one reads the item at once, and a gateway keeps it for its cache's
 * lifetime: it must not be older than the event.
 */
const hasEvents = ({ outbox }: AnyTableDefinition): boolean => outbox !== undefined;

/** One value or error per key, in the order of the keys, as DataLoader requires. */
function settle<Of, Result>(
  keys: readonly Of[],
  load: (key: Of) => Promise<Result>,
): Promise<(Result | Error)[]> {
  return Promise.all(keys.map((key) => load(key).catch((error: unknown) => error as Error)));
}
