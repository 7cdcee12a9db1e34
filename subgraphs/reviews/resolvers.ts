import {
  requireIdentity,
  subscriptionField,
  totalOf,
  type ConnectionArgs,
  type RequestScope,
  type Resolvers,
} from '../../kit';
import { ReviewWritten } from './events';
import { createLoaders, type Loaders } from './loaders';
import { noRatings, summarize } from './ratings';
import { type Review } from './table';
import { writeReview, type WriteReviewArgs } from './write-review';

export interface Context extends Pick<RequestScope, 'db' | 'projections' | 'identity' | 'invalidate'> {
  loaders: Loaders;
}

export const resolvers: Resolvers<Context> = {
  Query: {
    review: (_: unknown, { id }: { id: string }, { loaders }) => loaders.reviews.load({ id }),
  },

  Mutation: {
    async writeReview(_: unknown, args: WriteReviewArgs, context) {
      const author = requireIdentity(context.identity);
      const review = await writeReview(args, { ...context, author });
      const { upc, authorId, mediaId } = review;
      context.invalidate(`reviews-of-product-${upc}`, `reviews-of-user-${authorId}`);
      if (mediaId !== undefined) context.invalidate(`reviews-of-media-${mediaId}`);
      // The old loaders cache data from before the change.
      context.loaders = createLoaders(context);
      return review;
    },
  },

  Subscription: {
    // A review never changes, so the event has all of it.
    reviewAdded: subscriptionField<Context, { upc?: string | null }, Review>({
      event: ReviewWritten.type,
      keyOf: ({ upc }) => upc,
      keys: ({ upc }) => (upc == null ? 'all' : [upc]),
    }),
  },

  Review: {
    __resolveReference: ({ id }: { id: string }, { loaders }: Context) => loaders.reviews.load({ id }),
    author: ({ authorId }: Review) => ({ id: authorId }),
    product: ({ upc }: Review) => ({ upc }),
    about: ({ mediaId }: Review) => (mediaId === undefined ? null : { id: mediaId }),
  },

  // Types of other subgraphs: here they have only a key. Their fields read the reviews.
  Product: {
    reviews: ({ upc }: { upc: string }, page: ConnectionArgs, { loaders }) =>
      loaders.reviewsOfProduct.load(upc, page),
    async ratingSummary({ upc }: { upc: string }, _: unknown, { loaders }) {
      const ratings = await loaders.ratings.load(totalOf(upc));
      return summarize(ratings?.total ?? noRatings);
    },
  },
  User: {
    reviews: ({ id }: { id: string }, page: ConnectionArgs, { loaders }) =>
      loaders.reviewsOfAuthor.load(id, page),
  },
  Media: {
    reviews: ({ id }: { id: string }, page: ConnectionArgs, { loaders }) =>
      loaders.reviewsOfMedia.load(id, page),
  },
};
