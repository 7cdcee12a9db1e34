import { entityLoader, lookupLoader, relationLoader, type Database } from '../../kit';
import { categoriesTable, productsTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** Creates the loaders of one request, so that a request reads each item only once. */
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
