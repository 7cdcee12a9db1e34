/** Why a process cannot start, in one sentence for whoever started it. */
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
