import { type Step } from './step';

/** One after the other. */
export function sequence(steps: readonly Step[]): Step {
  return (run, done) => {
    let i = 0;
    next();

    function next(): void {
      if (i === steps.length) done();
      else steps[i++]!(run, next);
    }
  };
}
