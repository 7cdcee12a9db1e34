import { createBackoff } from '../../../../subgraphs/kit/backoff';
import { createLimiter } from '../../../../subgraphs/kit/limiter';

describe('a back-off', () => {
  it('pauses for random parts of a doubling bound and stops when its budget is spent', async () => {
    const bounds: number[] = [];
    const random = jest.spyOn(Math, 'random').mockReturnValue(1);
    const backoff = createBackoff({ budgetMilliseconds: 60, firstMilliseconds: 5, longestMilliseconds: 20 });
    for (let start = performance.now(); await backoff.pause(); start = performance.now()) {
      bounds.push(performance.now() - start);
    }
    random.mockRestore();
    expect(bounds.length).toBeGreaterThanOrEqual(3);
    expect(bounds[1]).toBeGreaterThanOrEqual(9);
    expect(Math.max(...bounds.slice(2))).toBeGreaterThanOrEqual(15);
  });

  it('ends with the request that it belongs to', async () => {
    const controller = new AbortController();
    const backoff = createBackoff({
      budgetMilliseconds: 60_000,
      firstMilliseconds: 60_000,
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 10);
    expect(await backoff.pause()).toBe(false);
    expect(await backoff.pause()).toBe(false);
  });
});

describe('a limiter', () => {
  it('runs so many tasks at once, in order, also after one failed', async () => {
    const limiter = createLimiter(2);
    let running = 0;
    let peak = 0;
    const order: number[] = [];
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        limiter(async () => {
          peak = Math.max(peak, ++running);
          order.push(i);
          await new Promise(setImmediate);
          running--;
          if (i === 3) throw new Error('three');
          return i;
        }),
      ),
    );
    expect(peak).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(results.map((result) => result.status === 'fulfilled')).toEqual(
      Array.from({ length: 10 }, (_, i) => i !== 3),
    );
  });
});
