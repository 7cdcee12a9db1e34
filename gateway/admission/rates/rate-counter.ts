import { LRUCache } from 'lru-cache';
import type { RateOptions } from '../../options/rates';
import type { SharedCount } from './shared-counts';

/** The count of one key in the current window. */
export type Count = SharedCount;

/**
 * Counts by key, in windows aligned to the clock, so that all gateways have the same windows and a daily quota begins
 * at midnight UTC. A new window drops all counts at once, without a timer per key.
 */
export class RateCounter {
  readonly #rate: Pick<RateOptions, 'name' | 'per' | 'window' | 'count'>;
  /** Bounded, as one client may send from many addresses. The least recently used keys are evicted. */
  readonly #counts: LRUCache<string, Count>;
  #start = 0;
  #end = 0;

  constructor(rate: Pick<RateOptions, 'name' | 'per' | 'window' | 'count'>, mostKeys = 100_000) {
    this.#rate = rate;
    this.#counts = new LRUCache({ max: mostKeys });
  }

  /** The count of a key in this turn: the window may end. @param now Unix milliseconds */
  of(key: string, now: number): Count {
    if (now >= this.#end || now < this.#start) this.#begin(now);
    let count = this.#counts.get(key);
    if (count === undefined) {
      const { name, per, window, count: unit } = this.#rate;
      const sharedKey = `${name}:${per}:${unit}:${window}:${this.#start}:${key}`;
      this.#counts.set(key, (count = { sharedKey, end: this.#end, used: 0, unsent: 0 }));
    }
    return count;
  }

  /** Seconds until the current window ends, rounded up. */
  left(now: number): number {
    return Math.ceil((this.#end - now) / 1000);
  }

  /** The length of the current window, in seconds. */
  get length(): number {
    return (this.#end - this.#start) / 1000;
  }

  #begin(now: number): void {
    [this.#start, this.#end] = windowAt(this.#rate.window, now);
    this.#counts.clear();
  }
}

/** The start and the end of the window that contains a time, in Unix milliseconds. */
function windowAt(window: RateOptions['window'], now: number): [start: number, end: number] {
  if (window === 'month') {
    const date = new Date(now);
    const monthAt = (month: number) => Date.UTC(date.getUTCFullYear(), month);
    return [monthAt(date.getUTCMonth()), monthAt(date.getUTCMonth() + 1)];
  }
  const length = window === 'day' ? 86_400_000 : window;
  const start = Math.floor(now / length) * length;
  return [start, start + length];
}
