import { requestError } from '../errors';
import { FairQueue, heaviest, type QueuedItem } from '../net/fair-queue';

export interface PlanWaitsOptions {
  /** The most requests that may wait. A request counts once per 4 KiB of its body. */
  readonly limit: number;
}

/** A request that waits for the plan of its operation. */
export interface PlanWaiter {
  readonly sender: string;
  /** Bytes of its body. */
  readonly received: number;
  /** Whether its client has left. */
  readonly isGone: boolean;
  /** Aborts the request. `reason` is the error to answer. */
  abort(reason: Error): void;
  /** Calls `release` when all work for the request is done, however it ends; at once if it is done already. */
  onSettle(release: () => void): void;
}

/**
 * The requests that wait for query plans. They need no time of the event loop, so they hold no slots. Their memory is
 * bounded here: when there are too many, the newest requests of the sender with the most are refused.
 */
export class PlanWaits {
  readonly #options: PlanWaitsOptions;
  readonly #queue = new FairQueue<Wait>();
  /** A batch may wait for several plans. */
  readonly #waits = new Map<PlanWaiter, Wait>();
  /** Called when a request begins to wait and so gives up its slot. */
  onWait = (): void => undefined;

  constructor(options: PlanWaitsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#queue.size;
  }

  /** Settles as `plan` does, or rejects if the request ends before. */
  wait<Plan>(waiter: PlanWaiter, plan: Promise<Plan>): Promise<Plan> {
    if (waiter.isGone) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const wait = this.#enter(waiter);
      const end = (): void => {
        wait.ends.delete(giveUp);
        if (wait.ends.size === 0) this.#leave(wait);
      };
      // Rejects at once, as a pending wait would keep the document in memory.
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
    this.onWait();
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

interface Wait extends QueuedItem {
  readonly waiter: PlanWaiter;
  /** Functions that end one wait of the request each. */
  readonly ends: Set<() => void>;
}

/** Bytes of a body that count as one request. */
const large = 4096;

const busy = () => requestError('REQUEST_CONCURRENCY_LIMITED', {}, { headers: { 'retry-after': '1' } });
