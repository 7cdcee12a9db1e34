/**
 * What a promise rejects with, where that is known at once: before the event loop turns. On a busy machine little time says
 * nothing; undefined when it settles later, or resolves.
 */
export function failureAtOnce(work: Promise<unknown>): Promise<unknown> {
  const failure = work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return Promise.race([failure, new Promise((turn) => setImmediate(turn))]);
}
