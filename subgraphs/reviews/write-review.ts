import { setTimeout as sleep } from 'node:timers/promises';
import { createOnce, idOf, SubgraphError, updateOnce, type Database, type Identity } from '../kit';
import { ReviewWritten } from './events';
import { countRating, noRatings } from './ratings';
import { ratingsTable, reviewsTable, type Review } from './table';

export interface WriteReviewArgs {
  readonly input: WriteReviewInput;
  readonly idempotencyKey: string;
}

export interface WriteReviewInput {
  readonly upc: string;
  readonly rating: number;
  readonly body: string;
  readonly mediaId?: string | null;
}

/**
 * Writes a review together with an event. Then the review is counted in the ratings of the product. If that
 * fails, a repeated request counts it.
 */
export async function writeReview(
  { input, idempotencyKey }: WriteReviewArgs,
  { author, db }: { author: Identity; db: Database },
): Promise<Review> {
  const { upc, rating, mediaId } = input;
  const body = input.body.trim();
  if (rating < 1 || rating > 5) {
    throw badInput('input.rating', `\`rating\` must be 1 to 5, but got: ${rating}`);
  }
  if (body.length < 1 || body.length > 5000) {
    throw badInput('input.body', `\`body\` must have 1 to 5000 characters, but has ${body.length}.`);
  }
  if (upc === '' || mediaId === '') throw badInput('input', 'An id must not be empty.');

  const request = { key: idempotencyKey, scope: author.id, input };
  const written = {
    id: idOf('r', request),
    upc,
    authorId: author.id,
    createdAt: new Date().toISOString(),
    rating,
    body,
    ...(mediaId != null && { mediaId }),
  };
  const { result: review } = await createOnce(
    db.table(reviewsTable),
    request,
    { ...written, isUncounted: true },
    { events: [ReviewWritten.create(written)] },
  );
  if (review.isUncounted) await takeIntoRatings(review, db);
  return review;
}

/**
 * Counts the review, and removes its mark. A repeat counts nothing, as the ratings remember the last reviews that they
 * counted. The mark is removed long before they forget this one.
 */
async function takeIntoRatings({ id, upc, rating }: Review, db: Database): Promise<void> {
  const request = { key: id, scope: 'ReviewWritten', input: { rating } };
  await withoutConflict(() =>
    updateOnce(db.table(ratingsTable), { upc }, request, (ratings) => ({
      item: { ...ratings, upc, counts: countRating(ratings?.counts ?? noRatings, rating) },
      result: null,
    })),
  );
  await db.table(reviewsTable).update({ id }, { remove: ['isUncounted'] });
}

const attempts = 6;

/**
 * Retries a change after a write conflict. Many reviews of one product at once conflict, so the pauses have random
 * lengths.
 */
async function withoutConflict(change: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await change();
      return;
    } catch (error) {
      const conflict = error instanceof SubgraphError && error.code === 'CONFLICT';
      if (!conflict || attempt === attempts) throw error;
      await sleep(Math.random() * 25 * 2 ** attempt);
    }
  }
}

function badInput(argument: string, message: string): SubgraphError {
  return new SubgraphError('BAD_USER_INPUT', message, { argument });
}
