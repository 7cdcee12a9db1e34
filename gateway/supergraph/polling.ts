import { setTimeout as delay } from 'node:timers/promises';
import { timeLimit } from '../net/time-limit';
import type { SupergraphListener } from './source';

export interface SupergraphPollerOptions {
  /** Resolves with a new supergraph, or with undefined if it has not changed. Rejects if it cannot be read. */
  readonly look: (signal: AbortSignal) => Promise<string | undefined>;
  /** Milliseconds between two polls, of which up to a quarter is random. */
  readonly interval: number;
  /** Timeout of a poll, in milliseconds. A server that does not answer must not delay a start. @default 10_000 */
  readonly patience?: number;
}

export interface SupergraphPoller {
  /** Polls once, and then repeatedly. Resolves with the result of the first poll, or undefined if it failed. */
  start(listener: SupergraphListener): Promise<string | undefined>;
  /** Stops polling, and aborts a poll in progress. */
  stop(): Promise<void>;
}

/** Polls for supergraphs, and more slowly after failures. */
export function createPolling({
  look,
  interval,
  patience = 10_000,
}: SupergraphPollerOptions): SupergraphPoller {
  const stopped = new AbortController();
  const lookOnce = async () => {
    const signal = AbortSignal.any([stopped.signal, timeLimit(patience)]);
    const late = over(signal, patience);
    try {
      return await Promise.race([look(signal), late.over]);
    } finally {
      // Node 20 holds a signal with a listener for ever, and what its reason was made by.
      late.forget();
    }
  };
  let polling: Promise<void> | undefined;

  async function poll(listener: SupergraphListener, failed: boolean): Promise<void> {
    let failures = failed ? 1 : 0;
    for (;;) {
      await delay(waitingTime(interval, failures), undefined, { signal: stopped.signal });
      try {
        const supergraphSdl = await lookOnce();
        if (supergraphSdl !== undefined && !stopped.signal.aborted) listener.onSupergraph(supergraphSdl);
        failures = 0;
      } catch (error) {
        if (stopped.signal.aborted) return;
        failures++;
        listener.onUnavailable(error as Error);
      }
    }
  }

  return {
    start: async (listener) => {
      let failed = false;
      const first = await lookOnce().catch((error: unknown) => {
        failed = true;
        if (!stopped.signal.aborted) listener.onUnavailable(error as Error);
        return undefined;
      });
      polling = poll(listener, failed).catch(() => undefined);
      return first;
    },
    stop: async () => {
      stopped.abort();
      await polling;
    },
  };
}

/** `over` rejects when a poll is aborted or times out, even if the poll ignores the signal. */
function over(
  signal: AbortSignal,
  patience: number,
): { readonly over: Promise<never>; readonly forget: () => void } {
  let onAbort = (): void => undefined;
  const over = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Error(`The supergraph did not come within ${patience} ms.`));
    signal.addEventListener('abort', onAbort);
  });
  return { over, forget: () => signal.removeEventListener('abort', onAbort) };
}

/**
 * The pause before the next poll. After the first failures it is short, as most failures are short; then it doubles up
 * to a minute. A part is random, so that many gateways do not poll at the same time.
 */
function waitingTime(interval: number, failures: number): number {
  if (failures === 0) return interval * (0.75 + Math.random() / 4);
  const longest = Math.max(interval, 60_000);
  return Math.min(longest, Math.min(interval, 1000) * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
}
