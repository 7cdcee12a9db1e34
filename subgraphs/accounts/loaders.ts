import { entityLoader, type Database } from '../kit';
import { usersTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** One set per request: what a request has read once, it does not read again. */
export function createLoaders(db: Database) {
  return { users: entityLoader(db.table(usersTable)) };
}
