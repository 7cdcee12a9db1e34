import { setTimeout as sleep } from 'node:timers/promises';
import { createBackoff } from '../../../kit/backoff';
import { createLimiter } from '../../../kit/serve/limiter';

jest.mock('node:timers/promises', () => ({ setTimeout: jest.fn() }));

describe('a back-off', () => {
  it('pauses for random parts of a doubling bound, the last time until its budget is spent', async () => {
    const pauses: number[] = [];
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    jest.mocked(sleep).mockImplementation((milliseconds = 0) => {
      pauses.push(milliseconds);
      now += milliseconds;
      return Promise.resolve();
    });
    const backoff = createBackoff({
      budgetMilliseconds: 100,
      firstMilliseconds: 20,
      longestMilliseconds: 60,
    });
    while (await backoff.pause());
    expect(pauses).toEqual([10, 20, 30, 30, 10]);
    clock.mockRestore();
    random.mockRestore();
    jest.mocked(sleep).mockReset();
  });

  it('ends with the request that it belongs to', async () => {
    const controller = new AbortController();
    jest.mocked(sleep).mockImplementation(() => {
      controller.abort();
      return Promise.reject(new Error('aborted'));
    });
    const backoff = createBackoff({ budgetMilliseconds: 60_000, signal: controller.signal });
    expect(await backoff.pause()).toBe(false);
    expect(await backoff.pause()).toBe(false);
    expect(sleep).toHaveBeenCalledTimes(1);
    expect(sleep).toHaveBeenCalledWith(expect.any(Number), undefined, { signal: controller.signal });
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

  it('runs so many at once again after it was idle', async () => {
    const limiter = createLimiter(2);
    for (let round = 0; round < 3; round++)
      expect(await Promise.all([1, 2, 3].map((i) => limiter(() => Promise.resolve(i))))).toEqual([1, 2, 3]);
  });

  it.each([0, -1, 1.5, NaN])('is none for %s tasks at once', (concurrency) => {
    expect(() => createLimiter(concurrency)).toThrow(
      new RangeError(`\`concurrency\` must be a positive integer, but got: ${concurrency}`),
    );
  });

  it('may be for one task at once', async () => {
    const limiter = createLimiter(1);
    const order: string[] = [];
    await Promise.all(
      ['a', 'b'].map((name) =>
        limiter(async () => {
          order.push(`${name} begins`);
          await new Promise(setImmediate);
          order.push(`${name} ends`);
        }),
      ),
    );
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });
});
