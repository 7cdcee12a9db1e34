/** What planning one operation may take: steps, which are as many on each machine, in slices of time between other work. */
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { requestError } from '../errors';

export interface PlanningBudget {
  /** Steps of reading, search and emission. Of small work, such as the characters of a text, many make one step. */
  readonly steps: number;
  /** Levels of an operation. */
  readonly depth: number;
}

export const defaultBudget: PlanningBudget = { steps: 15_000, depth: 1000 };

/** The steps that one operation has taken. */
export class Steps {
  taken = 0;
  readonly #budget: PlanningBudget;
  #sliceEnd = Infinity;
  #calls = 0;
  #takenAtLook = 0;

  constructor(budget: PlanningBudget) {
    this.#budget = budget;
  }

  /** Whether so little of the budget is spent that all can be done again. */
  get isEarly(): boolean {
    return this.taken * 10 < this.#budget.steps;
  }

  /** Throws a `GraphQLError` with the code `QUERY_TOO_COMPLEX` once the budget is spent. */
  take(count: number): void {
    this.taken += count;
    if (this.taken > this.#budget.steps)
      throw requestError('QUERY_TOO_COMPLEX', { what: 'steps', limit: this.#budget.steps });
  }

  /** Throws a `GraphQLError` with the code `QUERY_TOO_COMPLEX` where an operation has more levels than it may have. */
  enter(depth: number): void {
    if (depth > this.#budget.depth)
      throw requestError('QUERY_TOO_COMPLEX', { what: 'levels', limit: this.#budget.depth });
  }

  /** Begins a slice of so many milliseconds. */
  beginSlice(milliseconds: number): void {
    this.#sliceEnd = performance.now() + milliseconds;
    this.#look();
  }

  /** Whether the slice is over: then it stays so. Looks at the clock every few calls or steps. */
  get isSliceOver(): boolean {
    if (this.#sliceEnd === Infinity) return false;
    if (++this.#calls < perLook && this.taken - this.#takenAtLook < perLook) return false;
    if (performance.now() > this.#sliceEnd) return true;
    this.#look();
    return false;
  }

  #look(): void {
    this.#calls = 0;
    this.#takenAtLook = this.taken;
  }
}

const perLook = 8;

/** Longest slice of work on the main thread, in milliseconds. */
export const longestSlice = 4;

/** Works in slices between which other work of the process goes on. */
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
