import { defineTable, type WithOutbox, type WithRequests } from '../kit';
import { seedRatings, seedReviews } from './seed';

export interface Review extends WithRequests, WithOutbox {
  readonly id: string;
  readonly upc: string;
  readonly authorId: string;
  /** ISO 8601, UTC; sorts as it reads. */
  readonly createdAt: string;
  /** 1 to 5. */
  readonly rating: number;
  readonly body: string;
  /** Few reviews have one, and only those are in the index by it. */
  readonly mediaId?: string;
}

export const reviewsTable = defineTable<Review>()({
  name: 'reviews',
  partitionKey: 'id',
  indexes: {
    byProduct: { partitionKey: 'upc', sortKey: 'createdAt' },
    byAuthor: { partitionKey: 'authorId', sortKey: 'createdAt' },
    byMedia: { partitionKey: 'mediaId', sortKey: 'createdAt' },
  },
  seed: seedReviews,
});

/** How many reviews of a product gave each rating; kept, because counting them would read them all. */
export interface Ratings extends WithRequests {
  readonly upc: string;
  readonly counts: RatingCounts;
}

/** For one star, two stars, … five stars. */
export type RatingCounts = readonly [number, number, number, number, number];

export const ratingsTable = defineTable<Ratings>()({
  name: 'ratings',
  partitionKey: 'upc',
  seed: seedRatings,
});
