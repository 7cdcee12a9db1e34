import { type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type FastifyBaseLogger } from 'fastify';
import { clockToleranceMilliseconds } from '../identity/private-link';

/**
 * This process's clock beside that of its store, whose answers have a `Date` (RFC 9110, section 6.6.1). Leases do not
 * depend on clocks, but waits, times of events and signatures do: a process whose clock is wrong should not do the work.
 */
export class StoreClock {
  /** Milliseconds that this clock is ahead of the store's; 0 before the first answer. */
  #ahead = 0;
  #loggedAt = -Infinity;

  /**
   * Whether the clock is right enough to take a lease: it differs by a minute at most, which is what signatures tolerate.
   * If not, an error is logged, at most once a minute.
   */
  allowsLease(log: Pick<FastifyBaseLogger, 'error'>): boolean {
    if (Math.abs(this.#ahead) <= clockToleranceMilliseconds) return true;
    if (performance.now() - this.#loggedAt >= logPauseMilliseconds) {
      this.#loggedAt = performance.now();
      const seconds = Math.round(this.#ahead / 1000);
      log.error(
        { secondsAhead: seconds },
        'the clock of this process differs from that of its store: other processes do its work',
      );
    }
    return false;
  }

  /** @param sent when the answered request was sent, as `performance.now()` counts */
  note(date: string | undefined, sent: number): void {
    const time = Date.parse(date ?? '');
    // The answer to a process that was stopped meanwhile is old.
    if (Number.isNaN(time) || performance.now() - sent > longestRoundTrip) return;
    // The header has whole seconds, rounded down.
    this.#ahead = Date.now() - time - 500;
  }
}

const logPauseMilliseconds = 60_000;
const longestRoundTrip = 5000;
const clocks = new WeakMap<DynamoDBDocumentClient, StoreClock>();

/** The clock of a client's store; the same for each call with this client. */
export function storeClockOf(client: DynamoDBDocumentClient): StoreClock {
  const known = clocks.get(client);
  if (known) return known;
  const clock = new StoreClock();
  clocks.set(client, clock);
  // A subgraph without tables has a client that sends nothing.
  if (!('middlewareStack' in client)) return clock;
  client.middlewareStack.add(
    (next) => async (args) => {
      const sent = performance.now();
      const result = await next(args);
      const { headers } = result.response as { readonly headers: Readonly<Record<string, string>> };
      clock.note(headers['date'], sent);
      return result;
    },
    // Beneath what reads the answer, which throws where it is an error.
    { step: 'deserialize', priority: 'low' },
  );
  return clock;
}
