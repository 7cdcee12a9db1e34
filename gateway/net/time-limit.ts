/**
 * `AbortSignal.timeout` for `AbortSignal.any`. On Node 20, `any` holds its signals weakly, so that a time limit of which
 * nothing else knows is collected as garbage and never comes. A signal with a listener is held until it comes.
 */
export function timeLimit(milliseconds: number): AbortSignal {
  const limit = AbortSignal.timeout(milliseconds);
  limit.addEventListener('abort', () => undefined);
  return limit;
}

/** Settles as `work` does, or rejects with what `late` returns after a timeout in milliseconds. */
export function withTimeout<Result>(
  milliseconds: number,
  work: () => Result | Promise<Result>,
  late: () => Error = () => new Error(`No answer within ${milliseconds} ms.`),
): Promise<Result> {
  return new Promise((resolve, reject) => {
    // The error is made when it is needed: its stack takes longer than the timer.
    const timer = setTimeout(() => reject(late()), milliseconds);
    // A synchronous throw must also end the timer.
    Promise.resolve()
      .then(work)
      .then(
        (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        (error: unknown) => {
          clearTimeout(timer);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as `work` rejects
          reject(error);
        },
      );
  });
}
