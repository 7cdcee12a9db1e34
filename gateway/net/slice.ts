/** Work on the main thread in slices of time, between which other work of the process goes on. */
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

/** Works in slices. */
export async function runInSlices<Result>(work: SlicedWork<Result>): Promise<Result> {
  let end = performance.now() + longestSlice;
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
    if (performance.now() < end) continue;
    await nextTurn();
    end = performance.now() + longestSlice;
  }
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
