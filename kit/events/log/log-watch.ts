import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog } from './event-log';

/** Wakes those who have read a log to its end. */
export interface LogWatch {
  /** Moves when the log grows: note it before reading. */
  readonly version: number;
  /** Resolves when the log has grown since `version`, `signal` is aborted, or `milliseconds` are over. */
  change(version: number, signal: AbortSignal, milliseconds?: number): Promise<void>;
  /** This process has appended an event. */
  grown(): void;
}

interface LogWatchSettings {
  /** Milliseconds between two reads of the newest position while the log grows. @default 1000 */
  readonly pollMilliseconds?: number;
  /** The most milliseconds between them while it does not grow. @default 5000 */
  readonly longestPollMilliseconds?: number;
}

/**
 * Watches a log. What this process appends is reported at once. What other processes append is found by reading the newest
 * position, once for all who wait, and only while somebody does: each second while the log grows, and more and more rarely
 * while it does not.
 */
export function watchLog(
  eventLog: Pick<EventLog, 'head'>,
  { pollMilliseconds = 1000, longestPollMilliseconds = 5 * pollMilliseconds }: LogWatchSettings = {},
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
    let pause = pollMilliseconds;
    while (waiting.size > 0) {
      await sleep(pause, undefined, { ref: false });
      if (waiting.size === 0) break;
      // Whoever waits while the store is away waits longer.
      const newest = await eventLog.head().catch(() => head);
      const hasGrown = newest !== head;
      head = newest;
      pause = hasGrown ? pollMilliseconds : Math.min(2 * pause, longestPollMilliseconds);
      if (hasGrown) grown();
    }
    isPolling = false;
  }

  return {
    get version() {
      return version;
    },
    change(since, signal, milliseconds) {
      if (since !== version || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = milliseconds === undefined ? undefined : setTimeout(wake, milliseconds).unref();
        waiting.add(wake);
        signal.addEventListener('abort', wake);
        if (!isPolling) void poll();
      });
    },
    grown,
  };
}
