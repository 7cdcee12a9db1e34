import { LRUCache } from 'lru-cache';

export interface PlanTimesOptions {
  /** How long a plan may take, in milliseconds. */
  readonly deadline: number;
  /** For how long an operation is tried that others wait behind, in milliseconds. */
  readonly quickness: number;
  /** How long a sender is remembered who sends nothing new, in milliseconds. */
  readonly rememberFor: number;
}

/**
 * How long the new operations of a sender took to plan lately, which estimates the wait of the next ones: an operation that
 * would not get its turn before its deadline is refused at once.
 */
export class PlanTimes {
  readonly #options: PlanTimesOptions;
  readonly #tries: LRUCache<string, Tries>;
  #all = 0;

  constructor(options: PlanTimesOptions) {
    this.#options = options;
    this.#tries = new LRUCache({ max: 10_000, ttl: options.rememberFor });
  }

  /** Notes that an operation was planned, or refused, within the time for quick ones. */
  noteQuick(sender: string, took: number): void {
    this.#all++;
    const { quick, slow, mean } = this.#of(sender);
    this.#tries.set(sender, faded({ quick: quick + 1, slow, mean: mean + (took - mean) / 10 }));
  }

  /** Notes that one was not. */
  noteSlow(sender: string): void {
    this.#all++;
    const { quick, slow, mean } = this.#of(sender);
    this.#tries.set(sender, faded({ quick, slow: slow + 1, mean }));
  }

  /**
   * How many operations of a sender may wait, so that the last one has its turn before its time is over. Any number of a
   * sender of whom nothing bad is known.
   *
   * @param suspects how many take long at this moment
   */
  mostWaiting(sender: string, suspects = 0): number {
    const { deadline, quickness } = this.#options;
    const { quick, slow, mean } = this.#of(sender);
    // The first plans of a thread are slow, whatever they are: its code is not compiled yet.
    if (this.#all < firstPlans || slow + suspects === 0) return Infinity;
    // Each of these takes a thread until its time is over.
    if (quick === 0 && slow >= certain) return 1;
    // One that takes long at this moment says nothing of a sender whose others were quick.
    const share = quick === 0 ? 1 : slow / (slow + quick);
    return Math.max(1, deadline / (share * quickness + (1 - share) * mean));
  }

  #of(sender: string): Tries {
    return this.#tries.get(sender) ?? none;
  }
}

interface Tries {
  readonly quick: number;
  readonly slow: number;
  /** Milliseconds that the quick ones took, of which the latest count most. */
  readonly mean: number;
}

const none: Tries = { quick: 0, slow: 0, mean: 0 };
const firstPlans = 3;
/** So many slow ones, and no quick one, are no bad luck. */
const certain = 3;
const longMemory = 50;

/** What was long ago counts less. */
const faded = ({ quick, slow, mean }: Tries): Tries =>
  quick + slow > longMemory ? { quick: quick / 2, slow: slow / 2, mean } : { quick, slow, mean };
