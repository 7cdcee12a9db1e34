import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { buildConnector } from 'undici';

/** Files in PEM. They are read again when they have changed, for the connections that are opened from then on. */
export interface TlsFiles {
  /** The certificate by which the gateway is known, with those up to the one that is trusted. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Certificates that are trusted beside the system's. */
  readonly ca?: string | undefined;
}

/** Opens connections with a certificate of ours (mutual TLS). @throws when a file cannot be read or is none in PEM */
export function connectWithFiles(
  files: TlsFiles,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  let version = versionOf(files);
  let connect = build(readContext(files));

  function build(secureContext: SecureContext): buildConnector.connector {
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
      // While a file is being replaced, the one from before goes on to serve.
    }
    connect(target, callback);
  };
}

/** @throws when a file cannot be read or is none in PEM */
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
