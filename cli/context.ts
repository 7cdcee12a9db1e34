/** What a command sees of the process that runs it. */
export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user asks to stop: a command that goes on and on then ends, with exit code 0. */
  readonly signal: AbortSignal;
}

export interface Output {
  write(text: string): unknown;
}

/** Ends a command with a message for its user: one sentence, or a report that is ready to be printed. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  constructor(
    message: string,
    /** 1: the answer is no. 2: it was asked for in the wrong way. */
    readonly exitCode: 1 | 2,
  ) {
    super(message);
  }
}

/** Resolves when the user asks to stop. */
export async function untilStopped({ signal }: Context): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((stopped) => signal.addEventListener('abort', () => stopped(), { once: true }));
}
