import { pickOf, randomOf } from '../../kit';
import { phrases } from './seed-phrases';
import { type Review } from './table';

/** 3,000 reviews, `r1` (the oldest) to `r3000`, of the products `p1` to `p300` by the users `u1` to `u120`. */
export function* seedReviews(): Generator<Review> {
  for (let i = 1; i <= reviewCount; i++) yield createReview(i);
}

const reviewCount = 3000;
const from = Date.UTC(2023, 10, 1);
const until = Date.UTC(2025, 9, 31);

function createReview(i: number): Review {
  const id = `r${i}`;
  // Some products have more reviews than others.
  const upc = `p${1 + Math.floor(randomOf(`${id} product`) ** 1.4 * 300)}`;
  const rating = createRating(id, upc);
  const createdAt = new Date(from + ((i - randomOf(`${id} time`)) / reviewCount) * (until - from));
  return {
    id,
    upc,
    authorId: `u${1 + Math.floor(randomOf(`${id} author`) * 120)}`,
    createdAt: createdAt.toISOString(),
    rating,
    body: createBody(id, rating),
    // Every product has a first picture.
    ...(randomOf(`${id} about`) < 0.08 && { mediaId: `${upc}-m1` }),
  };
}

/** A rating near the quality of the product, and sometimes a much lower one. */
function createRating(id: string, upc: string): number {
  const quality = 3.1 + 1.8 * randomOf(`${upc} quality`);
  const mood = 2.4 * (randomOf(`${id} mood`) - 0.5) - (randomOf(`${id} bad day`) < 0.05 ? 2 : 0);
  return Math.min(5, Math.max(1, Math.round(quality + mood)));
}

function createBody(id: string, rating: number): string {
  const { openings, details, closings } =
    phrases[rating >= 4 ? 'pleased' : rating === 3 ? 'undecided' : 'cross'];
  const sentences = [pickOf(`${id} opening`, openings), pickOf(`${id} detail`, details)];
  if (randomOf(`${id} long`) < 0.55) sentences.push(pickOf(`${id} closing`, closings));
  return sentences.join(' ');
}
