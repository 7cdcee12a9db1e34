import { entityLoader, relationLoader, type RequestScope } from '../../kit';
import { ratings } from './ratings';
import { reviewsTable } from './table';

export type Loaders = ReturnType<typeof createLoaders>;

/** Creates the loaders of one request, so that a request reads each item only once. */
export function createLoaders({ db, projections }: Pick<RequestScope, 'db' | 'projections'>) {
  const reviews = db.table(reviewsTable);
  const newestFirst = { order: 'descending' } as const;
  return {
    reviews: entityLoader(reviews),
    reviewsOfProduct: relationLoader(reviews, { index: 'byProduct', ...newestFirst }),
    reviewsOfAuthor: relationLoader(reviews, { index: 'byAuthor', ...newestFirst }),
    reviewsOfMedia: relationLoader(reviews, { index: 'byMedia', ...newestFirst }),
    // The event `RatingsChanged` reports them.
    ratings: entityLoader(projections.table(ratings), { consistent: true }),
  };
}
