import { type Step } from './step';

/** All at once; done when the last one is. */
export function parallel(steps: readonly Step[]): Step {
  return (run, done) => {
    let pending = steps.length;
    if (pending === 0) done();
    for (const step of steps) step(run, oneDone);

    function oneDone(): void {
      if (--pending === 0) done();
    }
  };
}
