import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffOptions {
  /** How long to keep trying, in milliseconds from now. */
  readonly budgetMilliseconds: number;
  /** Bound of the first pause; each next one doubles. @default 25 */
  readonly firstMilliseconds?: number;
  /** No pause is longer. @default 1000 */
  readonly longestMilliseconds?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Pauses between attempts; `pause` answers false when the budget is spent and there is no use in another attempt. */
export interface Backoff {
  pause(): Promise<boolean>;
}

/**
 * Exponential back-off with full jitter: each pause is a random part of its bound, so that those who failed together
 * do not come back together.
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
      // The last attempt comes at the deadline itself rather than not at all.
      await sleep(Math.min(pause, left), undefined, { signal }).catch(() => undefined);
      return !signal?.aborted;
    },
  };
}
