import { Completion } from '../../complete/complete';
import { ErrorTrail } from '../../complete/error-paths';
import { type Run } from '../run';
import { type CompiledFetch, rootFetch } from './fetch';
import { type Step } from './step';

/**
 * Fields of a mutation. They are not run, and so tell no error, when a field before them has left no data (GraphQL,
 * section 6.4.4, "Handling Execution Errors", lets a server choose): whoever reads that the operation has failed expects
 * no more of it to be done.
 */
export function mutationFetch(fetch: CompiledFetch): Step {
  const send = rootFetch(fetch);
  return (run, done) => {
    if (isDataNull(run, fetch)) done();
    else send(run, done);
  };
}

/** Completes what was answered so far, just to see whether that can be done. */
function isDataNull(run: Run, { index }: CompiledFetch): boolean {
  if (run.uses.length === 0) return false;
  run.out = run.lendWriter();
  return new Completion(run, new ErrorTrail(run), () => unread).isDataNullBefore(index);
}

const unread = Buffer.alloc(0);
