import { type RatingCounts } from './table';

export const noRatings: RatingCounts = [0, 0, 0, 0, 0];

/** The counts with one more rating. */
export function countRating(counts: RatingCounts, rating: number): RatingCounts {
  return counts.map((count, i) => (i === rating - 1 ? count + 1 : count)) as unknown as RatingCounts;
}

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
