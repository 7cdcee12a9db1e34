/** What planning one operation may take: steps, which are as many on each machine. */
import { Slice } from '../net/slice';
import { requestError } from '../errors';

export interface PlanningBudget {
  /** Steps of reading, search and emission. Of small work, such as the characters of a text, many make one step. */
  readonly steps: number;
  /** Levels of an operation. */
  readonly depth: number;
}

export const defaultBudget: PlanningBudget = { steps: 15_000, depth: 1000 };

/** The steps that one operation has taken. */
export class StepCount {
  taken = 0;
  /** Begun by who works at the operation. */
  readonly slice: Slice;
  readonly #budget: PlanningBudget;

  constructor(budget: PlanningBudget, slice = new Slice()) {
    this.#budget = budget;
    this.slice = slice;
  }

  /** Whether so little of the budget is spent that all can be done again. */
  get isEarly(): boolean {
    return this.taken * 10 < this.#budget.steps;
  }

  get isSliceOver(): boolean {
    return this.slice.isOver;
  }

  /** Throws a `GraphQLError` with the code `QUERY_TOO_COMPLEX` once the budget is spent. */
  take(count: number): void {
    this.taken += count;
    this.slice.note(count);
    if (this.taken > this.#budget.steps)
      throw requestError('QUERY_TOO_COMPLEX', { what: 'steps', limit: this.#budget.steps });
  }

  /** Throws a `GraphQLError` with the code `QUERY_TOO_COMPLEX` where an operation has more levels than it may have. */
  enter(depth: number): void {
    if (depth > this.#budget.depth)
      throw requestError('QUERY_TOO_COMPLEX', { what: 'levels', limit: this.#budget.depth });
  }
}
