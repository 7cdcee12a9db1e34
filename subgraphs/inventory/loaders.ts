import { entityLoader, relationLoader, type Database } from '../kit';
import { reservationsTable, stockTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** One set per request: what a request has read once, it does not read again. */
export function createLoaders(db: Database) {
  const stock = db.table(stockTable);
  return {
    stock: entityLoader(stock),
    stockOfWarehouse: relationLoader(stock, { index: 'byWarehouse' }),
    reservations: entityLoader(db.table(reservationsTable)),
  };
}
