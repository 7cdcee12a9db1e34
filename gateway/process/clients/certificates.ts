import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:http';
import { createSecureContext, type SecureContextOptions, type Server as TlsServer } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { type Options, OptionsError } from '../../options';
import { notPem } from '../../options/problem';
import type { Logger } from '../../telemetry/logger';

type TlsOptions = NonNullable<Options['tls']>;

/** Reads the certificates of the port for clients, in Node's form. @throws {OptionsError} if they cannot be used */
export function readCertificates(tls: TlsOptions): SecureContextOptions {
  const { cert, key, clientCa } = tls;
  const read = (option: keyof TlsOptions, file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw OptionsError.unreadable(['tls', option], file, error);
    }
  };
  const certificates = {
    cert: read('cert', cert),
    key: read('key', key),
    ...(clientCa !== undefined && { ca: read('clientCa', clientCa) }),
    minVersion: 'TLSv1.2',
  } as const;
  try {
    createSecureContext(certificates);
  } catch (error) {
    throw OptionsError.of(['tls'], notPem(error));
  }
  return certificates;
}

/**
 * Makes a server use changed certificates for new connections. Invalid files are logged, and the previous certificates
 * stay in use. Returns a function that stops this.
 *
 * Files are polled and not watched, as those of supergraphs are. Polling also notices the symbolic links with which
 * Kubernetes swaps a Secret.
 */
export function followCertificates(
  server: Server,
  tls: TlsOptions,
  logger: Pick<Logger, 'info' | 'error'>,
): () => void {
  const secure = server as unknown as TlsServer;
  let used = readCertificates(tls);
  secure.setSecureContext(used);
  const files = [tls.cert, tls.key, ...(tls.clientCa === undefined ? [] : [tls.clientCa])];
  let timer: NodeJS.Timeout | undefined;
  const renew = (): void => {
    try {
      const found = readCertificates(tls);
      if (isDeepStrictEqual(found, used)) return;
      secure.setSecureContext(found);
      used = found;
      logger.info({ cert: tls.cert }, 'new certificates are in use');
    } catch (error) {
      logger.error(
        { reason: (error as Error).message },
        'new certificates cannot be used; those from before stay in use',
      );
    }
  };
  const onChange = (): void => {
    clearTimeout(timer);
    timer = setTimeout(renew, settleTime).unref();
  };
  for (const file of files) watchFile(file, { interval, persistent: false }, onChange);
  // Checks for changes between reading and watching.
  onChange();
  return () => {
    clearTimeout(timer);
    for (const file of files) unwatchFile(file, onChange);
  };
}

/** Milliseconds between two checks of a file. */
const interval = 500;
/** Milliseconds after the last change, as certificate and key are written one after the other. */
const settleTime = 1000;
