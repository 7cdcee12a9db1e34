import { randomFillSync } from 'node:crypto';

/** Whether a text is valid as a request id: in headers, in logs, and as a step of a URL's path, which `.` and `..` are not. */
export const isRequestId = (text: unknown): text is string =>
  typeof text === 'string' && /^[A-Za-z0-9_.:-]{1,128}$/.test(text) && text !== '.' && text !== '..';

/** Whether a text is a UUID in lower case, as `newRequestId` writes it. */
export const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);

/** A random UUID (RFC 9562, version 4). */
export function newRequestId(): string {
  if (next === ids.length) {
    ids = writeIds();
    next = 0;
  }
  return ids.slice(next, (next += length));
}

/**
 * Ids are written many at a time: Node joins each of its own from 20 strings. V8 keeps the text of all of them for one that
 * is still used, so they must be few.
 */
const count = 32;
const length = 36;
const random = Buffer.allocUnsafeSlow(16 * count);
const written = Buffer.allocUnsafeSlow(length * count);
let ids = '';
let next = 0;

function writeIds(): string {
  randomFillSync(random);
  let at = 0;
  for (let i = 0; i < random.length; i++) {
    const index = i & 15;
    if (index === 4 || index === 6 || index === 8 || index === 10) written[at++] = dash;
    let byte = random[i]!;
    if (index === 6) byte = (byte & 0x0f) | 0x40;
    else if (index === 8) byte = (byte & 0x3f) | 0x80;
    written[at++] = digits[byte >> 4]!;
    written[at++] = digits[byte & 15]!;
  }
  return written.toString('latin1');
}

const digits = Buffer.from('0123456789abcdef');
const dash = 0x2d;
