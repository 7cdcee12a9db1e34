/** A value that expires. */
export interface Perishable<Value> {
  readonly value: Value;
  /** Milliseconds since 1970; undefined if it never expires. */
  readonly expires: number | undefined;
}

export interface RenewalOptions {
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Milliseconds until the next fetch after one that has failed. @default a second */
  readonly pauseAfter?: ((error: Error) => number) | undefined;
}

/**
 * Caches the value that `fetch` gets, and fetches a new one before it expires: five minutes before, or a fifth of its
 * life if that is shorter. Until the new one has come, the old one is returned, so that no caller waits, and none fails
 * while the source is down for a short time. Callers that find no value wait for the same fetch.
 *
 * Returns the value without a promise if there is one. Without one, calls reject with the error of a failed fetch for a
 * time after it.
 */
export function renewed<Value>(
  fetch: () => Promise<Perishable<Value>>,
  { now = Date.now, pauseAfter = () => afterFailure }: RenewalOptions = {},
): () => Value | Promise<Value> {
  let kept: (Perishable<Value> & { readonly renewAt: number }) | undefined;
  let fetching: Promise<Value> | undefined;
  let failure: { readonly error: Error; readonly until: number } | undefined;

  async function renew(): Promise<Value> {
    try {
      const { value, expires } = await fetch();
      const life = expires === undefined ? Infinity : expires - now();
      kept = { value, expires, renewAt: now() + life - Math.min(ahead, life / 5) };
      failure = undefined;
      return value;
    } catch (error) {
      failure = { error: error as Error, until: now() + pauseAfter(error as Error) };
      throw error;
    } finally {
      fetching = undefined;
    }
  }

  return () => {
    const time = now();
    if (kept !== undefined && time < kept.renewAt) return kept.value;
    const isGood = kept !== undefined && (kept.expires === undefined || time < kept.expires);
    if (failure !== undefined && time < failure.until) {
      return isGood ? kept!.value : Promise.reject(failure.error);
    }
    fetching ??= renew();
    if (!isGood) return fetching;
    fetching.catch(() => undefined);
    return kept!.value;
  };
}

const ahead = 300_000;
const afterFailure = 1000;
