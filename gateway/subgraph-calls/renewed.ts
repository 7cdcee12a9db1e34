/** A value that expires. */
export interface Perishable<Value> {
  readonly value: Value;
  /** Milliseconds since 1970; undefined: for ever. */
  readonly expires: number | undefined;
}

/**
 * Keeps what `fetch` gets, and gets it anew before it expires: at most five minutes, at least a fifth of its life
 * before. Meanwhile the old one goes on to serve, so that nobody waits and nobody fails while the source is away for a
 * moment. Whoever comes while there is none waits for the one fetch that is under way.
 *
 * The value is there at once wherever it can be. Rejects with what `fetch` rejected with, for a second after it.
 */
export function renewed<Value>(
  fetch: () => Promise<Perishable<Value>>,
  now: () => number = Date.now,
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
      failure = { error: error as Error, until: now() + afterFailure };
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
