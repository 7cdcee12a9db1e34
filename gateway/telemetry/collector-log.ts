import type { Logger } from './logger';

export interface CollectorLog {
  failed(error: unknown): void;
  succeeded(): void;
}

/**
 * Logs when a collector takes nothing any more, and when it does again: both at most once a minute, as it may refuse every
 * second request.
 *
 * @param what it gets, such as `spans`
 */
export function collectorLog(
  logger: Pick<Logger, 'warn' | 'info'>,
  what: string,
  facts: Readonly<Record<string, string>> = {},
): CollectorLog {
  let isFailing = false;
  let loggedAt = -Infinity;
  return {
    failed(error) {
      const now = performance.now();
      if (isFailing || now - loggedAt < pause) return;
      isFailing = true;
      loggedAt = now;
      logger.warn({ err: error, ...facts }, `${what} could not be sent to the collector`);
    },
    succeeded() {
      if (isFailing) logger.info(facts, `the collector takes ${what} again`);
      isFailing = false;
    },
  };
}

/** Milliseconds. */
const pause = 60_000;
