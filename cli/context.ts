/** What a command sees of the process that runs it. */
export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user asks to stop: a command that goes on and on then ends, with exit code 0. */
  readonly signal: AbortSignal;
}

export interface Output {
  /** Whether somebody looks at it. */
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Ends a command with a sentence for its user; an empty one when all is said already. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  constructor(
    message: string,
    /** 1: the answer is no. 2: bad usage or configuration. Anything else comes from a child process. */
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/** Resolves when the user asks to stop. */
export async function untilStopped({ signal }: Context): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((stopped) => signal.addEventListener('abort', () => stopped(), { once: true }));
}
