import { entityLoader, relationLoader, type Database } from '../../kit';
import { reservationsTable, stockTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** Creates the loaders of one request, so that a request reads each item only once. */
export function createLoaders(db: Database) {
  const stock = db.table(stockTable);
  return {
    stock: entityLoader(stock),
    stockOfWarehouse: relationLoader(stock, { index: 'byWarehouse' }),
    reservations: entityLoader(db.table(reservationsTable)),
  };
}
