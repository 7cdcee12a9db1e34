import { entityLoader, relationLoader, type Database } from '../kit';
import { popularityTable, progressTable, recordedOrdersTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** Creates the loaders of one request, so that a request reads each item only once. */
export function createLoaders(db: Database) {
  return {
    ordersOfBuyer: relationLoader(db.table(recordedOrdersTable), { index: 'byBuyer', order: 'descending' }),
    popularity: entityLoader(db.table(popularityTable)),
    progress: entityLoader(db.table(progressTable)),
  };
}
