import { type QueryOptions, type Table } from './table';

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

/**
 * One page of a query as a Relay connection. `first` is 1 to 100, 20 when it is not given, else `BAD_USER_INPUT`;
 * an `after` that this very query did not give out is `INVALID_CURSOR`.
 */
export async function queryConnection<
  Item extends object,
  KeyAttribute extends string,
  IndexName extends string,
>(
  _table: Table<Item, KeyAttribute, IndexName>,
  _query: Omit<QueryOptions<IndexName>, 'limit' | 'after'>,
  _args: ConnectionArgs,
): Promise<Connection<Item>> {
  return Promise.reject(new Error('not written yet'));
}
