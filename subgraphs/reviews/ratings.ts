import { defineTotals, missing } from '../../kit';
import { RatingsChanged, ReviewWritten } from './events';
import { seedReviews } from './seed';
import { reviewsTable } from './table';

/** How many reviews have one star to five stars. */
export type RatingCounts = readonly [number, number, number, number, number];

export const noRatings: RatingCounts = [0, 0, 0, 0, 0];

/** The ratings of each product, by its UPC. */
export const ratings = defineTotals({
  name: 'ratings',
  from: { reviews: { ReviewWritten: { 1: ReviewWritten.data } } },
  entries: ({ data: { upc, rating } }) => [{ group: upc, value: countRating(noRatings, rating) }],
  count: (all: readonly RatingCounts[]) => all.reduce(addCounts, noRatings),
  // `ReviewWritten` may be heard before the review is counted.
  onCounted: ({ subject: id, data: { upc } }, db) =>
    db.table(reviewsTable).update(
      { id },
      {
        set: { isCounted: true },
        condition: { isCounted: missing },
        events: [RatingsChanged.create({ upc })],
      },
    ),
  seed: seedRatings,
});

/** The rating counts of the sample reviews, which have no events. */
export function* seedRatings(): Generator<{ readonly group: string; readonly value: RatingCounts }> {
  const counts = new Map<string, RatingCounts>();
  for (const { upc, rating } of seedReviews())
    counts.set(upc, countRating(counts.get(upc) ?? noRatings, rating));
  for (const [group, value] of counts) yield { group, value };
}

/** The counts with one more rating. */
export function countRating(counts: RatingCounts, rating: number): RatingCounts {
  return counts.map((count, i) => (i === rating - 1 ? count + 1 : count)) as unknown as RatingCounts;
}

const addCounts = (one: RatingCounts, other: RatingCounts): RatingCounts =>
  one.map((count, i) => count + other[i]!) as unknown as RatingCounts;

/** The `RatingSummary` of the schema. */
export function summarize(counts: RatingCounts) {
  const count = counts.reduce((sum, n) => sum + n, 0);
  const stars = counts.reduce((sum, n, i) => sum + n * (i + 1), 0);
  return {
    count,
    average: count === 0 ? null : Math.round((stars / count) * 10) / 10,
    distribution: [5, 4, 3, 2, 1].map((rating) => ({ rating, count: counts[rating - 1] })),
  };
}
