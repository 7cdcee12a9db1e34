import { PlanWaits, type PlanWaiter, type PlanWaitsOptions } from './plan-waits';
import { SlicedTasks } from './sliced-tasks';

/**
 * When operations are read that are not known yet: one in each turn of the event loop, as their limits, syntax and validity are
 * checked without a pause. Senders take turns. A request that waits holds no slot.
 */
export class ReadingTurns {
  readonly #tasks = new SlicedTasks(Infinity);
  readonly #waits: PlanWaits;

  constructor(options: PlanWaitsOptions) {
    this.#waits = new PlanWaits(options);
  }

  /** The number of requests that wait. */
  get size(): number {
    return this.#waits.size;
  }

  /** Resolves when an operation of the request may be read. Rejects if the request ends before, or too many wait. */
  next(request: PlanWaiter): Promise<void> {
    // eslint-disable-next-line require-yield
    const turn = this.#tasks.run(request.sender, 1, function* (slice) {
      if (!request.isGone) slice.end();
    });
    return this.#waits.wait(request, turn);
  }
}
