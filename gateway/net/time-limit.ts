/**
 * `AbortSignal.timeout` for `AbortSignal.any`. On Node 20, `any` holds its signals weakly, so that a time limit of which
 * nothing else knows is collected as garbage and never comes. A signal with a listener is held until it comes.
 */
export function timeLimit(milliseconds: number): AbortSignal {
  const limit = AbortSignal.timeout(milliseconds);
  limit.addEventListener('abort', () => undefined);
  return limit;
}
