import { requestError } from '../errors';
import { FairQueue, heaviest, type QueuedItem } from './fair-queue';
import { longestSlice, Slice } from './slice';

/**
 * Work in slices, which may also wait: where it yields a promise, it goes on once that has settled. Until then no other task goes
 * on in the same slice.
 */
export type SlicedTask<Result> = Generator<Promise<unknown> | undefined, Result>;

/**
 * Works at tasks on the main thread, in slices with some turns of the event loop between them, so that those who send little
 * are answered meanwhile. Senders take turns, so that large tasks of one delay those of others by little. Of one sender the
 * oldest task is done first: of many, few are begun.
 */
export class SlicedTasks {
  readonly #limit: number;
  readonly #waiting = new FairQueue<QueuedTask>();
  /** Tasks that wait for a promise. */
  readonly #paused = new Set<QueuedTask>();
  readonly #slice = new Slice();
  /** Whether the slice of these turns has begun. What is left is done in the next. */
  #hasBegun = false;
  #isScheduled = false;
  #isClosed = false;

  /** @param limit the weight of tasks that may wait. More are refused at once, first those of the sender with the most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Rejects with what the task throws, or with a `GraphQLError` where there are too many tasks. */
  run<Result>(sender: string, weight: number, begin: (slice: Slice) => SlicedTask<Result>): Promise<Result> {
    if (this.#isClosed) return Promise.reject(requestError('SHUTTING_DOWN', {}));
    return new Promise<Result>((resolve, reject) => {
      const work = {
        sender,
        weight,
        begin,
        task: undefined,
        resolve: resolve as QueuedTask['resolve'],
        reject,
      };
      this.#add(work);
      this.#bound();
    });
  }

  /** Rejects all tasks. */
  close(): void {
    this.#isClosed = true;
    for (let work = this.#waiting.next(); work !== undefined; work = this.#waiting.next())
      this.#end(work, requestError('SHUTTING_DOWN', {}));
    for (const work of this.#paused) this.#end(work, requestError('SHUTTING_DOWN', {}));
  }

  #bound(): void {
    while (this.#waiting.weight > this.#limit && this.#waiting.size > 1) {
      const sender = heaviest(this.#waiting.senders(), (one) => this.#waiting.weightOf(one), 0);
      this.#waiting.takeNewestOf(sender!)?.reject(tooMany());
    }
  }

  #add(work: QueuedTask): void {
    this.#waiting.add(work);
    if (this.#isScheduled || (this.#hasBegun && this.#slice.isOver)) return;
    this.#isScheduled = true;
    // Not within the caller's work.
    void Promise.resolve().then(() => {
      this.#isScheduled = false;
      this.#work();
    });
  }

  #work(): void {
    if (this.#waiting.size === 0) return;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#slice.begin();
      this.#beginLater(turnsBetween, performance.now() + longestPause);
    }
    while (!this.#slice.look()) {
      const work = this.#waiting.next();
      if (work === undefined) return;
      this.#advance(work);
      if (this.#paused.has(work)) return;
    }
  }

  /** Begins the next slice after so many turns, or once it is so late. */
  #beginLater(turns: number, latest: number): void {
    setImmediate(() => {
      if (turns > 1 && performance.now() < latest) this.#beginLater(turns - 1, latest);
      else {
        this.#hasBegun = false;
        this.#work();
      }
    });
  }

  #advance(work: QueuedTask): void {
    try {
      work.task ??= work.begin(this.#slice);
      let next = work.task.next();
      while (next.done !== true && next.value === undefined && !this.#slice.isOver) next = work.task.next();
      if (next.done === true) {
        this.#waiting.delete(work);
        work.resolve(next.value);
      } else if (next.value !== undefined) this.#pause(work, next.value);
    } catch (error) {
      this.#end(work, error);
    }
  }

  #pause(work: QueuedTask, until: Promise<unknown>): void {
    this.#waiting.delete(work);
    this.#paused.add(work);
    const goOn = (): void => {
      if (this.#paused.delete(work)) this.#add(work);
    };
    until.then(goOn, goOn);
  }

  #end(work: QueuedTask, error: unknown): void {
    this.#waiting.delete(work);
    this.#paused.delete(work);
    work.reject(error);
  }
}

interface QueuedTask extends QueuedItem {
  readonly begin: (slice: Slice) => SlicedTask<unknown>;
  /** Undefined before its first slice. */
  task: SlicedTask<unknown> | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns of the event loop from one slice to the next. A turn accepts one connection of each port, and a request takes some turns
 * from its arrival to its answer.
 */
const turnsBetween = 8;
/** Milliseconds from the beginning of a slice to the next, where turns are long. */
const longestPause = 4 * longestSlice;

const tooMany = () => requestError('REQUEST_CONCURRENCY_LIMITED', {}, { headers: { 'retry-after': '1' } });
