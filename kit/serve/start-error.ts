/** Why a process cannot start, as one sentence that is printed without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Why a server cannot listen. */
export function cannotListen(error: unknown, host: string, port: number): StartError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new StartError(
    code === 'EADDRINUSE'
      ? `Port ${port} is in use; choose another one with --port.`
      : `It cannot listen at ${host}:${port}: ${message}`,
  );
}
