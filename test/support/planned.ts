import { Worker } from 'node:worker_threads';

interface Plan {
  readonly document: string;
  /** How long a thread may work on it, in milliseconds. */
  readonly timeLimit: number;
}

/** What this process gives to threads to be planned, from now on. For a test that restores its mocks. */
export function watchPlans(): readonly Plan[] {
  const plans: Plan[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with each worker as `this`
  const post = Worker.prototype.postMessage;
  jest.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: Plan) {
    plans.push(message);
    post.call(this, message);
  });
  return plans;
}
