import { readCursor, writeCursor, type CursorPosition } from './cursor';
import { badInput } from '../errors';
import { type QueryOptions, type Table } from './table';
import { type KeySchema } from './definition';

/** The arguments of a connection field, as the Relay specification names them. */
export interface ConnectionArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

export interface Connection<Item> {
  readonly edges: Edge<Item>[];
  readonly pageInfo: PageInfo;
}

export interface Edge<Item> {
  readonly node: Item;
  readonly cursor: string;
}

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/** The query of a connection without its bounds, which come from the arguments. */
export type ConnectionQuery<IndexName extends string> = Omit<QueryOptions<IndexName>, 'limit' | 'after'>;

/**
 * One page of a query as a Relay connection. Stable under inserts, because a cursor names a key and not an offset.
 * `first` is 1 to 100, 20 when it is not given, else `BAD_USER_INPUT`; an `after` that this very query did not give out
 * is `INVALID_CURSOR`.
 */
export async function queryConnection<
  Item extends object,
  KeyAttribute extends string,
  IndexName extends string,
>(
  table: Table<Item, KeyAttribute, IndexName>,
  query: ConnectionQuery<IndexName>,
  args: ConnectionArgs,
): Promise<Connection<Item>> {
  const first = readFirst(args.first);
  const keys: KeySchema =
    query.index === undefined ? table.definition : table.definition.indexes[query.index];
  const { name, cursorName = name } = table.definition;
  const scope = [cursorName, query.index, query.partition, query.sort, query.order ?? 'ascending'];
  const position = args.after == null ? undefined : readCursor(args.after, scope);
  const after = position && { ...position, [keys.partitionKey]: query.partition };

  // One item more than requested shows whether there is a next page.
  const items = await table.query({ ...query, limit: first + 1, ...(after && { after }) });
  const edges = items
    .slice(0, first)
    .map((node) => ({ node, cursor: writeCursor(positionOf(node, table.definition, keys), scope) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: items.length > first,
      hasPreviousPage: position !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

export const defaultFirst = 20;
export const greatestFirst = 100;

/** The number of items requested. Throws `BAD_USER_INPUT` outside of 1 to 100. */
export function readFirst(first: number | null | undefined): number {
  const count = first ?? defaultFirst;
  if (Number.isInteger(count) && count >= 1 && count <= greatestFirst) return count;
  throw badInput('first', `\`first\` must be between 1 and ${greatestFirst}, but got: ${count}`);
}

/** The keys of an item for a cursor, without the partition, which is the query's own. */
function positionOf(item: object, table: KeySchema, index: KeySchema): CursorPosition {
  const attributes = new Set(
    [table.partitionKey, table.sortKey, index.sortKey].filter((name) => name !== undefined),
  );
  attributes.delete(index.partitionKey);
  return Object.fromEntries(
    [...attributes].map((name) => [name, String((item as Record<string, unknown>)[name])]),
  );
}
