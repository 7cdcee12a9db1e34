import type { Target } from '../options/targets';
import type { Instance, TargetResolver } from './resolver';

export interface Resolution {
  readonly instances: readonly Instance[];
  /** Milliseconds until it is looked up again. */
  readonly freshFor: number;
}

/** Asks once. What it waits for ends with the signal. */
export type ResolveTarget = (target: Target, signal: AbortSignal) => Promise<Resolution>;

export interface DiscoveryPollingOptions {
  /** Milliseconds until the next look-up after a failure. */
  readonly interval: number;
  /** Milliseconds that an answer may take. @default 5000 */
  readonly timeout?: number | undefined;
}

/** A resolver that asks again and again, one question of a target at a time. */
export function polling(
  ask: ResolveTarget,
  { interval, timeout = 5000 }: DiscoveryPollingOptions,
): TargetResolver {
  return {
    watch(target, watcher) {
      let isStopped = false;
      let timer: NodeJS.Timeout | undefined;
      // One for each question: a signal that lasts longer would hold the listeners of all of them.
      let asking = new AbortController();

      async function poll(): Promise<void> {
        let pause = interval;
        asking = new AbortController();
        try {
          const { instances, freshFor } = await within(timeout, asking, ask(target, asking.signal));
          if (isStopped) return;
          pause = freshFor;
          watcher.found(instances);
        } catch (error) {
          if (isStopped) return;
          watcher.failed(error as Error);
        }
        // A little earlier each time, so that gateways that start together do not ask together for ever.
        timer = setTimeout(() => void poll(), pause * (1 - Math.random() / 10)).unref();
      }

      void poll();
      return () => {
        isStopped = true;
        clearTimeout(timer);
        asking.abort();
      };
    },
  };
}

/** Aborts a look-up when its time is over. */
async function within<Value>(
  timeout: number,
  asking: AbortController,
  answer: Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`There was no answer within ${timeout} ms.`));
      asking.abort();
    }, timeout);
    timer.unref();
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
