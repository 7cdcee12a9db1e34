import type { AddressInfo, Server } from 'node:net';
import { type Options, OptionsError } from '../options';

/**
 * Makes a server listen at the host and port of an option.
 * @throws {OptionsError} if that is not possible
 */
export async function listen(server: Server, host: string, port: number, option: string): Promise<void> {
  try {
    await new Promise<void>((listening, failed) => {
      server.once('error', failed);
      server.listen({ host, port }, () => {
        server.off('error', failed);
        listening();
      });
    });
  } catch (error) {
    throw notListening(option, host, port, error);
  }
}

export function notListening(option: string, host: string, port: number, error: unknown): OptionsError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason =
    code === 'EADDRINUSE'
      ? 'is taken by another process: choose another one, or 0 for a free one'
      : code === 'EACCES'
        ? 'needs rights that this process does not have: choose one above 1023'
        : `cannot be listened on: ${message}`;
  return OptionsError.of(option.split('.'), `${port} on ${host} ${reason}.`);
}

/** The URL of a listening address, without a path. */
export function addressOf(
  at: ReturnType<Server['address']> | Pick<Options, 'host' | 'port'>,
  protocol = 'http',
): string {
  const { port, ...where } = at as AddressInfo | Pick<Options, 'host' | 'port'>;
  const host = 'host' in where ? where.host : where.address;
  if (host === '0.0.0.0' || host === '::') return `${protocol}://127.0.0.1:${port}`;
  return host.includes(':') ? `${protocol}://[${host}]:${port}` : `${protocol}://${host}:${port}`;
}
