import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog } from './event-log';

/** Wakes those who have read a log to its end. */
export interface LogWatch {
  /** Moves when the log grows: note it before reading. */
  readonly version: number;
  /** Resolves when the log has grown since `version`, or `signal` is aborted. */
  change(version: number, signal: AbortSignal): Promise<void>;
  /** This process has appended an event. */
  grown(): void;
}

/**
 * Watches a log. What other processes append is found by asking for the newest position, once a second for all who wait,
 * and only while somebody does.
 */
export function watchLog(
  eventLog: Pick<EventLog, 'head'>,
  { pollMilliseconds = 1000 }: { readonly pollMilliseconds?: number } = {},
): LogWatch {
  let version = 0;
  let head: string | undefined;
  let isPolling = false;
  const waiting = new Set<() => void>();

  function grown(): void {
    version++;
    for (const wake of [...waiting]) wake();
  }

  async function poll(): Promise<void> {
    isPolling = true;
    while (waiting.size > 0) {
      await sleep(pollMilliseconds, undefined, { ref: false });
      if (waiting.size === 0) break;
      // Whoever waits while the store is away waits longer.
      const newest = await eventLog.head().catch(() => head);
      const hasGrown = newest !== head;
      head = newest;
      if (hasGrown) grown();
    }
    isPolling = false;
  }

  return {
    get version() {
      return version;
    },
    change(since, signal) {
      if (since !== version || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake);
        if (!isPolling) void poll();
      });
    },
    grown,
  };
}
