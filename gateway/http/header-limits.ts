import type { IncomingMessage } from 'node:http';

/** Node reads more, but truncates them silently at its own limit. */
const maxHeaders = 100;
/** 16 KiB. Of HTTP/1.1 Node's parser counts them. */
export const maxHeaderSize = 16_384;

/** The head of a request as it was sent: also headers that are repeated. */
export type SentHead = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'httpVersionMajor'>;

/** Whether a request has too many headers, or too long ones. */
export function hasTooLargeHeaders({ rawHeaders, httpVersionMajor }: SentHead): boolean {
  if (rawHeaders.length > 2 * maxHeaders) return true;
  if (httpVersionMajor < 2) return false;
  // Over HTTP/2 Node holds only those to it who have confirmed the settings of the connection, which nobody has to.
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  return size > maxHeaderSize;
}
