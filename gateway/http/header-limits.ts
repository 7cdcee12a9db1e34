import type { IncomingMessage } from 'node:http';

/** Node reads more, but truncates them silently at its own limit. */
const maxHeaders = 100;
/** 16 KiB of URL, names and values. */
export const maxHeaderSize = 16_384;
/**
 * 64 KiB, which Node's parser reads of HTTP/1.1: handshakes of AppSync's clients have their credentials in Base64, which
 * takes a third more, and may have them twice.
 */
export const maxHandshakeSize = 65_536;

/** The head of a request as it was sent: also headers that are repeated. */
export type SentHead = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'httpVersionMajor' | 'url'>;

/**
 * Whether a request has too many headers, or too long ones. Over HTTP/2 Node holds only those to the size who have
 * confirmed the settings of the connection, which nobody has to.
 *
 * @param spared characters that do not count
 */
export function hasTooLargeHeaders({ rawHeaders, httpVersionMajor, url }: SentHead, spared = 0): boolean {
  if (rawHeaders.length > 2 * maxHeaders) return true;
  // Over HTTP/2 it is a header.
  let size = httpVersionMajor < 2 ? url!.length : 0;
  for (const text of rawHeaders) size += text.length;
  return size - spared > maxHeaderSize;
}
