import { LRUCache } from 'lru-cache';
import type { RateOptions } from '../../options/rates';
import type { SharedCount } from './shared-counts';

/** How much somebody has asked for in the window that runs. */
export type Count = SharedCount;

/**
 * Counts by key, in windows that begin by the clock: each gateway has the same ones, and a quota begins at
 * midnight UTC. A new window forgets all counts at once, and no key has a timer.
 */
export class RateCounter {
  readonly #rate: Pick<RateOptions, 'name' | 'per' | 'window' | 'count'>;
  /** Bounded: who sends from ever new addresses fills no memory. The keys that were seen least lately are forgotten. */
  readonly #counts: LRUCache<string, Count>;
  #start = 0;
  #end = 0;

  constructor(rate: Pick<RateOptions, 'name' | 'per' | 'window' | 'count'>, mostKeys = 100_000) {
    this.#rate = rate;
    this.#counts = new LRUCache({ max: mostKeys });
  }

  /** The count of a key. To be asked for in each turn of the event loop. @param now Unix milliseconds */
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

  /** Seconds until the window ends that runs, rounded up. */
  left(now: number): number {
    return Math.ceil((this.#end - now) / 1000);
  }

  /** Seconds of the window that runs. */
  get length(): number {
    return (this.#end - this.#start) / 1000;
  }

  #begin(now: number): void {
    [this.#start, this.#end] = windowAt(this.#rate.window, now);
    this.#counts.clear();
  }
}

/** When the window begins and ends that a time is in, in Unix milliseconds. */
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
