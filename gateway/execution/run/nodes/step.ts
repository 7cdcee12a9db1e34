import { type Run } from '../run';

/** A node of a query plan, compiled. Calls `done` once, perhaps at once; what failed is kept by the run. */
export type Step = (run: Run, done: () => void) => void;
