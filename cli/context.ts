/** The parts of the process that a command uses. */
export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user asks to stop. A long-running command then ends with exit code 0. */
  readonly signal: AbortSignal;
  /** Called when a gateway runs, or was found to be able to. @default nothing is done */
  readonly started?: (() => void) | undefined;
}

export interface Output {
  /** Whether it is a terminal. */
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Ends a command with a sentence for its user, or an empty one if everything has been printed already. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  constructor(
    message: string,
    /** 1: a negative answer. 2: bad usage or configuration. Other codes come from a child process. */
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
