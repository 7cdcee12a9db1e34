import type { CallTotals } from './api';
import { type CallCounter, subtractTotals } from './call-totals';

/** Reads the counts of a process once a minute, so that a report may be about the last minutes alone. */
export class ReportHistory {
  readonly #counter: CallCounter;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** Oldest first. */
  readonly #earlier: CallTotals[] = [];

  /** @param now Unix milliseconds */
  constructor(counter: CallCounter, now: () => number = Date.now) {
    this.#counter = counter;
    this.#now = now;
    this.#timer = setInterval(() => {
      if (this.#earlier.push(counter.read(now())) > mostKept) this.#earlier.shift();
    }, step);
    this.#timer.unref();
  }

  /**
   * @param last milliseconds: what was counted since the last reading before them, or since the first one; at most an hour.
   * Undefined for everything since the start
   */
  totals(last: number | undefined): CallTotals {
    const now = this.#now();
    const totals = this.#counter.read(now);
    if (last === undefined) return totals;
    const begin = this.#earlier.findLast(({ at }) => at <= now - last) ?? this.#firstIfFull();
    return begin === undefined ? totals : subtractTotals(totals, begin);
  }

  /** The oldest reading, if there was an older one: without it everything since the start was meant. */
  #firstIfFull(): CallTotals | undefined {
    return this.#earlier.length === mostKept ? this.#earlier[0] : undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Milliseconds between two readings. */
const step = 60_000;
/** An hour. */
const mostKept = 61;
