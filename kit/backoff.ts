import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffOptions {
  /** How long to keep trying, in milliseconds from now. */
  readonly budgetMilliseconds: number;
  /** Upper bound of the first pause, in milliseconds; doubles with each attempt. @default 25 */
  readonly firstMilliseconds?: number;
  /** Longest pause, in milliseconds. @default 1000 */
  readonly longestMilliseconds?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Pauses between attempts. `pause` resolves to false when the budget is spent: do not try again. */
export interface Backoff {
  pause(): Promise<boolean>;
}

/**
 * Exponential back-off with full jitter: each pause is a random part of its bound, so that clients that failed together
 * do not retry together.
 */
export function createBackoff(options: BackoffOptions): Backoff {
  const { budgetMilliseconds, firstMilliseconds = 25, longestMilliseconds = 1000, signal } = options;
  const deadline = performance.now() + budgetMilliseconds;
  let bound = firstMilliseconds;

  return {
    async pause() {
      const left = deadline - performance.now();
      if (left <= 0 || signal?.aborted) return false;
      const pause = Math.random() * bound;
      bound = Math.min(bound * 2, longestMilliseconds);
      // The last pause ends at the deadline, so that one more attempt is made.
      await sleep(Math.min(pause, left), undefined, { signal }).catch(() => undefined);
      return !signal?.aborted;
    },
  };
}
