import { requestError } from '../errors';
import { FairQueue, heaviest, type Waiting } from './fair-queue';

export interface PlanWaitsOptions {
  /** How many requests may wait; a large one counts once for each 4 KiB. */
  readonly limit: number;
  /** Called when a request that was being worked on waits from now on. */
  readonly onWait: () => void;
}

/** A request that waits for the plan of its operation. */
export interface PlanWaiter {
  /** Who sends it. */
  readonly sender: string;
  /** Bytes of its body. */
  readonly received: number;
  /** Whether nobody waits for it any more. */
  readonly isGone: boolean;
  /** Ends it; `reason` is what its client is told. */
  abort(reason: Error): void;
  /** `release` is called when nothing is worked on for it any more, however it ends; at once when that is so already. */
  onSettle(release: () => void): void;
}

/**
 * The requests that wait for query plans. The event loop does nothing for them meanwhile, so they hold no slots; their
 * memory is bounded here. When there are too many, the newest of the sender with the most are refused.
 */
export class PlanWaits {
  readonly #options: PlanWaitsOptions;
  readonly #queue = new FairQueue<Wait>();
  /** A request may wait for several: that of a batch. */
  readonly #waits = new Map<PlanWaiter, Wait>();

  constructor(options: PlanWaitsOptions) {
    this.#options = options;
  }

  /** How many requests wait. */
  get size(): number {
    return this.#queue.size;
  }

  /** Settles as `plan` does, or rejects when the request ends before. */
  wait<Plan>(waiter: PlanWaiter, plan: Promise<Plan>): Promise<Plan> {
    if (waiter.isGone) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const wait = this.#enter(waiter);
      const end = (): void => {
        wait.ends.delete(giveUp);
        if (wait.ends.size === 0) this.#leave(wait);
      };
      // What waits keeps its document: it is let go of at once.
      const giveUp = (): void => reject(busy());
      wait.ends.add(giveUp);
      if (wait.ends.size === 1) waiter.onSettle(() => this.#end(wait));
      plan.then(resolve, reject).finally(end);
      this.#bound(wait.sender);
    });
  }

  #enter(waiter: PlanWaiter): Wait {
    let wait = this.#waits.get(waiter);
    if (wait !== undefined) return wait;
    const { sender, received } = waiter;
    wait = { sender, weight: Math.max(1, Math.ceil(received / large)), waiter, ends: new Set() };
    this.#waits.set(waiter, wait);
    this.#queue.add(wait);
    this.#options.onWait();
    return wait;
  }

  #leave(wait: Wait): void {
    this.#waits.delete(wait.waiter);
    this.#queue.delete(wait);
  }

  #end(wait: Wait): void {
    this.#leave(wait);
    for (const giveUp of wait.ends) giveUp();
  }

  /** Refuses requests beyond the limit. */
  #bound(newest: string): void {
    const queue = this.#queue;
    const weightOf = (sender: string): number => queue.weightOf(sender);
    while (queue.weight > this.#options.limit && queue.size > 1) {
      const most = heaviest(queue.senders(), weightOf, weightOf(newest)) ?? newest;
      const wait = queue.takeNewestOf(most)!;
      wait.waiter.abort(busy());
      this.#end(wait);
    }
  }
}

interface Wait extends Waiting {
  readonly waiter: PlanWaiter;
  /** Each ends one wait of the request. */
  readonly ends: Set<() => void>;
}

/** Bytes of a body that count as one request. */
const large = 4096;

const busy = () => requestError('QUERY_PLANNING_TIMEOUT', {}, { headers: { 'retry-after': '1' } });
