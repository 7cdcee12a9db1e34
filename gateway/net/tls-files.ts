import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { buildConnector as Connectors } from 'undici';
import { buildConnector } from './undici';

/** PEM files. When they have changed they are read again, for connections that are opened from then on. */
export interface TlsFiles {
  /** The client certificate of the gateway, with its chain up to a certificate that the subgraph trusts. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Certificates that are trusted in addition to the system's. */
  readonly ca?: string | undefined;
}

/** Opens connections with a client certificate (mutual TLS). @throws if a file cannot be read or is not PEM */
export function connectWithFiles(files: TlsFiles, options: Connectors.BuildOptions): Connectors.connector {
  let version = versionOf(files);
  let connect = build(readContext(files));

  function build(secureContext: SecureContext): Connectors.connector {
    return buildConnector({ ...options, secureContext });
  }

  return (target, callback) => {
    try {
      const now = versionOf(files);
      if (now !== version) {
        connect = build(readContext(files));
        version = now;
      }
    } catch {
      // A file is being replaced: the previous one is used until that is done.
    }
    connect(target, callback);
  };
}

/** @throws if a file cannot be read or is not PEM */
export function readContext({ cert, key, ca }: TlsFiles): SecureContext {
  return createSecureContext({
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
    ...(ca !== undefined && { ca: [...rootCertificates, readFileSync(ca, 'utf8')] }),
  });
}

const versionOf = (files: TlsFiles): string =>
  Object.values(files)
    .map((file: string | undefined) => (file === undefined ? '' : String(statSync(file).mtimeMs)))
    .join();
