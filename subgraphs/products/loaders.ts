import { entityLoader, lookupLoader, relationLoader, type Database } from '../kit';
import { categoriesTable, productsTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** One set per request: what a request has read once, it does not read again. */
export function createLoaders(db: Database) {
  const products = db.table(productsTable);
  const categories = db.table(categoriesTable);
  return {
    products: entityLoader(products),
    productsBySku: lookupLoader(products, { index: 'bySku' }),
    productsOfCategory: relationLoader(products, { index: 'byCategory' }),
    productsOfListing: relationLoader(products, { index: 'byName' }),
    categories: entityLoader(categories),
    categoriesOfParent: relationLoader(categories, { index: 'byParent' }),
  };
}
