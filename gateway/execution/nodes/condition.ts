import { type Step } from './step';

/** One of two, by a Boolean variable of the client's operation. */
export function condition(variable: string, ifStep: Step | undefined, elseStep: Step | undefined): Step {
  return (run, done) => {
    const step = run.conditions[variable] === true ? ifStep : elseStep;
    if (step === undefined) done();
    else step(run, done);
  };
}
