import { entityLoader, type Database } from '../../kit';
import { usersTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** Creates the loaders of one request, so that a request reads each item only once. */
export function createLoaders(db: Database) {
  return { users: entityLoader(db.table(usersTable)) };
}
