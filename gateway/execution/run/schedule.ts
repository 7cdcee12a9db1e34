import { type Step } from './nodes/step';
import { type Run } from './run';

/** Starts each fetch as soon as all have ended that it waits for. */
export class Schedule {
  readonly #steps: readonly Step[];
  /** For each step, those that wait for it, and how many it waits for. */
  readonly #waiting: readonly (readonly number[])[];
  readonly #counts: Int32Array;

  /** `waitsFor` has the indexes of steps; none waits for itself, not through others either. */
  constructor(steps: readonly Step[], waitsFor: readonly (readonly number[])[]) {
    this.#steps = steps;
    this.#waiting = steps.map((_, i) => [...steps.keys()].filter((k) => waitsFor[k]!.includes(i)));
    this.#counts = Int32Array.from(waitsFor, ({ length }) => length);
  }

  run(run: Run, done: () => void): void {
    const steps = this.#steps;
    const waiting = this.#waiting;
    const counts = this.#counts.slice();
    let unfinished = steps.length;
    if (unfinished === 0) done();
    for (let i = 0; i < steps.length; i++) if (this.#counts[i] === 0) start(i);

    function start(i: number): void {
      steps[i]!(run, () => {
        if (--unfinished === 0) done();
        else for (const next of waiting[i]!) if (--counts[next]! === 0) start(next);
      });
    }
  }
}
