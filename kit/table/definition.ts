import { outboxIndex, outboxOperations, type Outbox } from '../events/log/outbox';

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
    /**
     * Lets writes have events: `create(order, { events: [OrderPlaced.create({ … })] })`. The subject of an event is the
     * key of its item. Where several tables of a subgraph have an outbox, all but one need a `subjectPrefix`.
     *
     * @default false
     */
    readonly outbox?: boolean | Outbox;
    /**
     * What the code does with items of the table. Anything else throws a `TypeError`, and the policy of the subgraph's
     * function does not allow it. `Query` means the table itself: each index may be queried. What an outbox needs is
     * added; seeds need nothing.
     *
     * @default all
     */
    readonly operations?: readonly TableOperation[];
  }): TableDefinition<Item, Partition | Sort, IndexName> => {
    const { outbox = false, ...rest } = definition;
    const indexes = (definition.indexes ?? {}) as Record<IndexName, KeySchema>;
    if (outbox === false) return { ...rest, indexes };
    const { operations } = definition;
    return {
      ...rest,
      ...(operations && { operations: [...new Set([...operations, ...outboxOperations])] }),
      indexes: { ...indexes, [outboxIndex]: { partitionKey: 'outboxShard' } },
      outbox: outbox === true ? { subjectPrefix: '' } : outbox,
    };
  };
}

/** The operations of DynamoDB on items of a table. */
export const tableOperations = [
  'BatchGetItem',
  'BatchWriteItem',
  'DeleteItem',
  'GetItem',
  'PutItem',
  'Query',
  'UpdateItem',
] as const;
export type TableOperation = (typeof tableOperations)[number];

/** The same table for who repairs it or fills it, whatever the code of its subgraph declares. */
export const withAllOperations = <Definition extends AnyTableDefinition>(
  definition: Definition,
): Definition => ({ ...definition, operations: tableOperations });

/** Throws a `TypeError` for an operation on items that the definition does not have. */
export function checkOperation({ name, operations }: AnyTableDefinition, operation: TableOperation): void {
  if (operations?.includes(operation) === false)
    throw new TypeError(
      `The table "${name}" does not declare the operation ${operation}: add it to \`operations\` of its definition.`,
    );
}

/**
 * A table as code states it, once: keys, indexes, seed. Opened with `db.table(definition)`.
 * Keys are strings; an item that lacks a key of an index is not in that index.
 */
export interface TableDefinition<Item extends object, KeyAttribute extends string, IndexName extends string> {
  readonly name: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  readonly indexes: Readonly<Record<IndexName, KeySchema>>;
  readonly seed?: () => Iterable<Item>;
  /** Names it in cursors. Tables that take the place of one another have the same. @default its name */
  readonly cursorName?: string;
  /** Its items may write events. They are not deleted, as their events are numbered by them. */
  readonly outbox?: Outbox;
  /** What the code does with its items. @default all */
  readonly operations?: readonly TableOperation[];
}

/** Which attributes are the keys of a table or an index. */
export interface KeySchema {
  readonly partitionKey: string;
  readonly sortKey?: string;
}

/* oxlint-disable-next-line typescript/no-explicit-any -- the one way to say "a table of whatever items" */
export type AnyTableDefinition = TableDefinition<any, string, string>;

/** Attributes of an item that may be keys: those that hold strings. */
export type StringAttribute<Item> = Item extends unknown
  ? { [A in keyof Item & string]-?: NonNullable<Item[A]> extends string ? A : never }[keyof Item & string]
  : never;

/** The key of an item. Other attributes are ignored, so a reference (`__resolveReference`) can be used. */
export type Key<Item, KeyAttribute extends string> = { readonly [A in KeyAttribute]: string } & {
  readonly [A in keyof Item]?: unknown;
};
