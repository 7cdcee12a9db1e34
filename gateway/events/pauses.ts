/** Milliseconds. */
const longest = 5_000;

/** Milliseconds to wait after some failures: each time up to twice as long, between half and all of it, so that not all come at once. */
export const pauseBefore = (failures: number, first = 250): number =>
  (Math.min(longest, first * 2 ** failures) * (1 + Math.random())) / 2;

/** Resolves after some milliseconds, or when the signal is aborted. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds).unref();
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
