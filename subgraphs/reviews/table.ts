import { defineTable, type WithRequests } from '../../kit';
import { seedReviews } from './seed';

export interface Review extends WithRequests {
  readonly id: string;
  readonly upc: string;
  readonly authorId: string;
  /** ISO 8601 in UTC, so that the order of texts is the order of times. */
  readonly createdAt: string;
  /** 1 to 5. */
  readonly rating: number;
  readonly body: string;
  /** The reviewed picture or video. Only reviews with one are in its index. */
  readonly mediaId?: string;
  /** Set when the ratings have it, and an event reports that. */
  readonly isCounted?: true;
}

export const reviewsTable = defineTable<Review>()({
  name: 'reviews',
  partitionKey: 'id',
  operations: ['BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem'],
  indexes: {
    byProduct: { partitionKey: 'upc', sortKey: 'createdAt' },
    byAuthor: { partitionKey: 'authorId', sortKey: 'createdAt' },
    byMedia: { partitionKey: 'mediaId', sortKey: 'createdAt' },
  },
  seed: seedReviews,
  outbox: true,
});
