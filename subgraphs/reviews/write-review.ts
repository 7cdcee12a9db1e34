import { badInput, createOnce, idOf, type Identity, type RequestScope } from '../../kit';
import { ReviewWritten } from './events';
import { ratings } from './ratings';
import { reviewsTable, type Review } from './table';

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
 * Writes a review together with its event. The review is counted in the ratings at once, so that the answer has it. If
 * that fails, a repeated request counts it, or the projection does when it gets the event.
 */
export async function writeReview(
  { input, idempotencyKey }: WriteReviewArgs,
  { author, db, projections }: { author: Identity } & Pick<RequestScope, 'db' | 'projections'>,
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
  const { result: review } = await createOnce(db.table(reviewsTable), request, written, {
    events: [ReviewWritten.create(written)],
  });
  // The first event of a review.
  const event = { ...ReviewWritten.create(review), source: 'reviews', subject: review.id, sequence: 1 };
  await projections.apply(ratings, { ...event, time: review.createdAt });
  return review;
}
