import fc from 'fast-check';
import { findLast, isInS3, trailInS3 } from '../../../../../gateway/events/archive/archive-bucket';

describe('the last number', () => {
  /** Finds the last of some numbers, and counts the lists that it takes. */
  async function find(numbers: readonly number[]) {
    let lists = 0;
    const last = await findLast((after) => {
      lists++;
      const above = numbers.filter((each) => each > after);
      return Promise.resolve(above.length === 0 ? undefined : Math.min(...above));
    });
    return { last, lists };
  }

  it('is found wherever the numbers are', async () => {
    const number = fc.oneof(
      fc.integer({ min: 1, max: 3000 }),
      fc.integer({ min: 1, max: 10 ** 6 }),
      fc.integer({ min: 1, max: 10 ** 12 - 1 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(number, { maxLength: 50 }), async (numbers) => {
        expect((await find(numbers)).last).toBe(Math.max(0, ...numbers));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['no record', [], 12],
    ['one record', [1], 12],
    ['a million records, in objects of one to twenty', millions(), 32],
  ])('takes few lists for %s', async (_, numbers, most) => {
    const { last, lists } = await find(numbers);
    expect(last).toBe(numbers.at(-1) ?? 0);
    expect(lists).toBeLessThanOrEqual(most);
  });
});

function millions(): number[] {
  const numbers: number[] = [];
  for (let number = 1; number < 1_000_000; number += 1 + (number % 20)) numbers.push(number);
  return numbers.filter((_, i) => i % 50 === 0 || i > numbers.length - 100);
}

it('names the trail of a subgraph below a folder of a bucket', () => {
  expect(isInS3('archive/events')).toBe(false);
  expect(trailInS3('s3://shop/events/?region=eu-west-1', 'orders')).toBe(
    's3://shop/events/orders?region=eu-west-1',
  );
  expect(trailInS3('s3://shop', 'orders')).toBe('s3://shop/orders');
});
