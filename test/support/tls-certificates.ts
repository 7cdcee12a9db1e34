import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';

const read = (file: string): Buffer => readFileSync(join(__dirname, 'tls', file));

/** Two self-signed certificates for localhost and 127.0.0.1. */
export const certificates = {
  first: { cert: read('cert.pem'), key: read('key.pem') },
  second: { cert: read('other-cert.pem'), key: read('other-key.pem') },
};

export const bothCertificates = [certificates.first.cert, certificates.second.cert];

/** Replaces `cert.pem` and `key.pem` of a folder as tools do that renew certificates. */
export function putCertificates(
  folder: string,
  contents: Partial<Record<'cert' | 'key', Buffer | string>>,
): void {
  for (const [name, content] of Object.entries(contents)) {
    const file = join(folder, `${name}.pem`);
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  }
}

/** Which of the two a new connection gets that speaks this protocol. */
export async function certificateServedAt(
  port: number,
  protocol: 'h2' | 'http/1.1',
): Promise<keyof typeof certificates | 'another'> {
  const socket = connect({ port, host: '127.0.0.1', ca: bothCertificates, ALPNProtocols: [protocol] });
  await new Promise<void>((connected, failed) =>
    socket.once('secureConnect', connected).once('error', failed),
  );
  const { raw } = socket.getPeerX509Certificate()!;
  const { alpnProtocol } = socket;
  socket.destroy();
  if (alpnProtocol !== protocol) throw new Error(`The connection speaks ${String(alpnProtocol)}.`);
  return (
    (['first', 'second'] as const).find((name) => raw.equals(derOf(certificates[name].cert))) ?? 'another'
  );
}

export const derOf = (pem: Buffer): Buffer =>
  Buffer.from(pem.toString().replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
