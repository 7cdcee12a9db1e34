import { entityLoader, relationLoader, type Database } from '../kit';
import { ratingsTable, reviewsTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** One set per request: what a request has read once, it does not read again. */
export function createLoaders(db: Database) {
  const reviews = db.table(reviewsTable);
  const newestFirst = { order: 'descending' } as const;
  return {
    reviews: entityLoader(reviews),
    reviewsOfProduct: relationLoader(reviews, { index: 'byProduct', ...newestFirst }),
    reviewsOfAuthor: relationLoader(reviews, { index: 'byAuthor', ...newestFirst }),
    reviewsOfMedia: relationLoader(reviews, { index: 'byMedia', ...newestFirst }),
    ratings: entityLoader(db.table(ratingsTable)),
  };
}
