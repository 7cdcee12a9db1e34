/** Runs tasks first in, first out, at most `concurrency` at once. */
export type Limiter = <Result>(task: () => Promise<Result>) => Promise<Result>;

export function createLimiter(concurrency: number): Limiter {
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`\`concurrency\` must be a positive integer, but got: ${concurrency}`);
  }
  let running = 0;
  const waiting: (() => void)[] = [];

  return async (task) => {
    // A slot is handed from the task that ends to the one that waits, so `running` does not change in between.
    if (running < concurrency) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
