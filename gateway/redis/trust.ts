import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { OptionsError } from '../options';

/**
 * Trusts the certificates in a file in addition to those that Node brings; without a file only those.
 *
 * @param path the name of the option that names the file, for errors
 * @throws {OptionsError} if the file cannot be used
 */
export function trusting(ca: string | undefined, path: readonly string[]): SecureContext {
  if (ca === undefined) return createSecureContext();
  let pem: string;
  try {
    pem = readFileSync(ca, 'utf8');
  } catch (error) {
    throw OptionsError.unreadable(path, ca, error);
  }
  try {
    new X509Certificate(pem);
  } catch {
    throw OptionsError.of(path, `names ${ca}, which holds no certificate in PEM.`);
  }
  return createSecureContext({ ca: [...rootCertificates, pem] });
}
