import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { OptionsError } from '../options';

/** What the next connection trusts. */
export type Trust = () => Promise<SecureContext>;

/**
 * Trusts the certificates in a file in addition to those that Node brings; without a file only those. The file is read
 * again for each connection. If it cannot be used any more, what it held before is trusted.
 *
 * @param path the name of the option that names the file, for errors
 * @throws {OptionsError} if the file cannot be used
 */
export function trusting(ca: string | undefined, path: readonly string[]): Trust {
  let pem = ca === undefined ? undefined : readPem(ca, path);
  let context = contextOf(pem);
  return async () => {
    if (ca === undefined) return context;
    const newest = await readFile(ca, 'utf8').catch(() => pem);
    if (newest === pem || !isPem(newest!)) return context;
    pem = newest;
    return (context = contextOf(pem));
  };
}

function readPem(ca: string, path: readonly string[]): string {
  let pem: string;
  try {
    pem = readFileSync(ca, 'utf8');
  } catch (error) {
    throw OptionsError.unreadable(path, ca, error);
  }
  if (!isPem(pem)) throw OptionsError.of(path, `names ${ca}, which holds no certificate in PEM.`);
  return pem;
}

function isPem(text: string): boolean {
  try {
    new X509Certificate(text);
    return true;
  } catch {
    return false;
  }
}

const contextOf = (pem: string | undefined): SecureContext =>
  createSecureContext(pem === undefined ? {} : { ca: [...rootCertificates, pem] });
