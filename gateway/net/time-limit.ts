/**
 * `AbortSignal.timeout` for `AbortSignal.any`. On Node 20, `any` holds its signals weakly, so that a time limit of which
 * nothing else knows is collected as garbage and never comes. A signal with a listener is held until it comes.
 */
export function timeLimit(milliseconds: number): AbortSignal {
  const limit = AbortSignal.timeout(milliseconds);
  limit.addEventListener('abort', () => undefined);
  return limit;
}

/** Settles as `work` does, or rejects with `error` after a timeout in milliseconds. */
export async function withTimeout<Result>(
  milliseconds: number,
  work: () => Result | Promise<Result>,
  error = new Error(`No answer within ${milliseconds} ms.`),
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(error), milliseconds);
  });
  // A synchronous throw must also end the timer, whose rejection would be unhandled.
  const working = Promise.resolve().then(work);
  return Promise.race([working, late]).finally(() => clearTimeout(timer));
}
