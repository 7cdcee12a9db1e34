import { badInput, queryConnection, type Connection, type Database } from '../../kit';
import { categoriesTable, productsTable, type Category, type Product } from './table';

export interface SearchArgs {
  readonly prefix: string;
  readonly first?: number | null;
}

/** Finds categories, then products, whose name begins with the prefix, with one query each. */
export async function search({ prefix, first }: SearchArgs, db: Database): Promise<(Category | Product)[]> {
  const text = prefix.trim().toLowerCase();
  if (text.length < 2 || text.length > 50) {
    throw badInput('prefix', `\`prefix\` must have 2 to 50 characters, but has ${text.length}.`);
  }
  const query = { index: 'byName', partition: 'all', sort: { beginsWith: text } } as const;
  const [categories, products] = await Promise.all([
    queryConnection(db.table(categoriesTable), query, { first }),
    queryConnection(db.table(productsTable), query, { first }),
  ]);
  return [...nodesOf(categories), ...nodesOf(products)].slice(0, first ?? undefined);
}

function nodesOf<Item>({ edges }: Connection<Item>): Item[] {
  return edges.map(({ node }) => node);
}
