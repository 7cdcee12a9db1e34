import { entityLoader, relationLoader, type Database } from '../kit';
import { cartsTable, ordersTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** One set per request: what a request has read once, it does not read again. */
export function createLoaders(db: Database) {
  const orders = db.table(ordersTable);
  return {
    orders: entityLoader(orders),
    ordersOfBuyer: relationLoader(orders, { index: 'byBuyer', order: 'descending' }),
    carts: entityLoader(db.table(cartsTable)),
  };
}
