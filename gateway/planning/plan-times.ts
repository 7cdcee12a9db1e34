import { LRUCache } from 'lru-cache';
import { atMost } from './at-most';

export interface PlanTimesOptions {
  /** How long a plan may take, in milliseconds. */
  readonly deadline: number;
  /** How long an operation may be tried while others wait, in milliseconds. */
  readonly quickness: number;
  /** How long a sender without new operations is remembered, in milliseconds. */
  readonly rememberFor: number;
}

/**
 * Records how long a sender's new operations took to plan, to estimate the wait of the next ones: an operation that
 * would not have its turn before its deadline is refused at once.
 */
export class PlanTimes {
  readonly #options: PlanTimesOptions;
  readonly #tries: LRUCache<string, Tries>;
  #all = 0;

  constructor(options: PlanTimesOptions) {
    this.#options = options;
    this.#tries = new LRUCache({ ...atMost(10_000), ttl: options.rememberFor });
  }

  /** Notes that an operation was planned, or failed, within the time for quick ones. */
  noteQuick(sender: string, took: number): void {
    this.#all++;
    const { quick, slow, mean } = this.#of(sender);
    this.#tries.set(sender, faded({ quick: quick + 1, slow, mean: mean + (took - mean) / 10 }));
  }

  /** Notes that an operation took longer than that. */
  noteSlow(sender: string): void {
    this.#all++;
    const { quick, slow, mean } = this.#of(sender);
    this.#tries.set(sender, faded({ quick, slow: slow + 1, mean }));
  }

  /**
   * How many operations of a sender may wait, so that the last one has its turn before its deadline. Unlimited for a
   * sender without slow operations.
   *
   * @param suspects how many of its operations have already taken long and are still being planned
   */
  mostWaiting(sender: string, suspects = 0): number {
    const { deadline, quickness } = this.#options;
    const { quick, slow, mean } = this.#of(sender);
    // The first plans of a thread are always slow: its code is not compiled yet.
    if (this.#all < firstPlans || slow + suspects === 0) return Infinity;
    // Each of these occupies a thread until its time limit.
    if (quick === 0 && slow >= certain) return 1;
    // A suspect does not count against a sender with quick operations.
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
  /** Mean milliseconds of the quick ones; the latest count most. */
  readonly mean: number;
}

const none: Tries = { quick: 0, slow: 0, mean: 0 };
const firstPlans = 3;
/** Slow operations, without a quick one, after which a sender is certainly slow. */
const certain = 3;
const longMemory = 50;

/** Makes older tries count less. */
const faded = ({ quick, slow, mean }: Tries): Tries =>
  quick + slow > longMemory ? { quick: quick / 2, slow: slow / 2, mean } : { quick, slow, mean };
