/** Work on the main thread in slices of time, between which other work of the process goes on. */
import { setTimeout as delay } from 'node:timers/promises';
import { type SlicedWork } from '../../schema/supergraph/sliced-work';

/** Longest slice of work on the main thread, in milliseconds. */
export const longestSlice = 4;

/** The slice that is being worked at. */
export class Slice {
  #end = Infinity;
  #isOver = false;
  #sinceLook = 0;

  begin(): void {
    this.#end = performance.now() + longestSlice;
    this.#isOver = false;
    this.#sinceLook = 0;
  }

  /** Counts work, so that the clock is looked at the sooner. */
  note(work: number): void {
    this.#sinceLook += work;
  }

  /** Whether it is over: then it stays so. Looks at the clock every few calls. False before the first begins. */
  get isOver(): boolean {
    return this.#isOver || (++this.#sinceLook >= perLook && this.look());
  }

  /** Like `isOver`, but looks at the clock at once. */
  look(): boolean {
    this.#isOver ||= this.#end !== Infinity && performance.now() > this.#end;
    this.#sinceLook = 0;
    return this.#isOver;
  }
}

const perLook = 8;

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How work goes on that takes long. */
export interface Pace {
  /** The longest slice, in milliseconds. */
  readonly slice: number;
  /** Resolves when the next slice may begin. */
  readonly pause: () => Promise<void>;
  /** Begins a task. @default at once */
  begin?<Result>(task: () => Promise<Result>): Promise<Result>;
}

/** Other work of the process goes on between slices. */
export const swift: Pace = { slice: longestSlice, pause: nextTurn };

/** Other work of the process hardly waits: it has most of the time. Tasks are done one after the other. */
class GentlePace implements Pace {
  readonly slice = 1;
  #last: Promise<unknown> = Promise.resolve();

  readonly pause = (): Promise<void> => delay(9);

  begin<Result>(task: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Of all that is done in the background of this process. */
export const gentle: Pace = new GentlePace();

/** Works in slices. */
export function runInSlices<Result>(work: SlicedWork<Result>, pace = swift): Promise<Result> {
  const task = (): Promise<Result> => inSlices(work, pace);
  return pace.begin === undefined ? task() : pace.begin(task);
}

async function inSlices<Result>(work: SlicedWork<Result>, { slice, pause }: Pace): Promise<Result> {
  let end = performance.now() + slice;
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
    if (performance.now() < end) continue;
    await pause();
    end = performance.now() + slice;
  }
}
