import { entityLoader, relationLoader, type Database } from '../../kit';
import { cartsTable, ordersTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** Creates the loaders of one request, so that a request reads each item only once. */
export function createLoaders(db: Database) {
  const orders = db.table(ordersTable);
  return {
    orders: entityLoader(orders),
    ordersOfBuyer: relationLoader(orders, { index: 'byBuyer', order: 'descending' }),
    carts: entityLoader(db.table(cartsTable)),
  };
}
