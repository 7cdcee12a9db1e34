import { countRating, noRatings, summarize } from '../../../../subgraphs/reviews/ratings';

it('summarizes no reviews without an average', () => {
  expect(summarize(noRatings)).toMatchObject({ count: 0, average: null });
});

it('rounds the average to a tenth and lists five stars first', () => {
  const counts = [5, 5, 4].reduce(countRating, noRatings);
  expect(summarize(counts)).toEqual({
    count: 3,
    average: 4.7,
    distribution: [
      { rating: 5, count: 2 },
      { rating: 4, count: 1 },
      { rating: 3, count: 0 },
      { rating: 2, count: 0 },
      { rating: 1, count: 0 },
    ],
  });
});
