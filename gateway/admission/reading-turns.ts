import { PlanWaits, type PlanWaiter, type PlanWaitsOptions } from './plan-waits';
import { SlicedTasks } from '../net/sliced-tasks';

/**
 * Reads operations that are not known yet one after the other, for so long as a slice: their limits, syntax and validity are
 * checked without a pause. Senders take turns. A request that waits holds no slot.
 */
export class ReadingTurns {
  readonly #tasks = new SlicedTasks(Infinity);
  readonly #waits: PlanWaits;

  constructor(options: PlanWaitsOptions) {
    this.#waits = new PlanWaits(options);
  }

  /** Called when a request begins to wait and so gives up its slot. */
  set onWait(onWait: () => void) {
    this.#waits.onWait = onWait;
  }

  get size(): number {
    return this.#waits.size;
  }

  /** Settles as `read` does, once it is the request's turn. Rejects if the request ends before, or too many wait. */
  read<Operation>(request: PlanWaiter, read: () => Operation | Promise<Operation>): Promise<Operation> {
    let isOver = false;
    const reading = new Promise<Operation>((resolve) => {
      void this.#tasks.run(request.sender, 1, function* () {
        if (isOver) return;
        const begun = new Promise<Operation>((settle) => settle(read()));
        resolve(begun);
        yield begun;
      });
    });
    const waited = this.#waits.wait(request, reading);
    waited.catch(() => (isOver = true));
    return waited;
  }
}
