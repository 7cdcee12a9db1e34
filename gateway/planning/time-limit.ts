import { createContext, Script } from 'node:vm';

/** Work that was ended because its time limit was exceeded. */
export class TimeOver extends Error {
  override readonly name = 'TimeOver';
}

/**
 * Runs `work` for at most `timeLimit` milliseconds; then V8 ends it wherever it is. None of its code runs then, not
 * even a `finally`, so it must be harmless to leave it half done.
 *
 * @throws {TimeOver} when the time is over; errors of `work` pass through
 */
export function withTimeLimit<Result>(timeLimit: number, work: () => Result): Result {
  context.work = work;
  try {
    return callWork.runInContext(context, { timeout: Math.max(1, Math.ceil(timeLimit)) }) as Result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new TimeOver(`It took longer than ${timeLimit} ms.`);
  } finally {
    context.work = undefined;
  }
}

// `work` still runs in its own context. Only the call comes from the other context, which has a timeout.
const context = createContext({ work: undefined as unknown }) as { work: unknown };
const callWork = new Script('work()');
