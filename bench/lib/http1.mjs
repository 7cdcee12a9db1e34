/**
 * As much of HTTP/1.1 as both ends of a measurement need, over bytes and without garbage.
 *
 * `scanHead` leaves what it found in `head`, one object for all connections: read it before the next call.
 */
export const head = { end: 0, contentLength: -1, chunked: false };

const CR = 13;
const LF = 10;
const CONTENT_LENGTH = Buffer.from('content-length:');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding:');

/** @returns false when the head does not end before `end`; else `head` says where its body starts, and how long it is. */
export function scanHead(bytes, start, end) {
  head.contentLength = -1;
  head.chunked = false;
  for (let i = start; i < end - 1; i += 1) {
    if (bytes[i] !== LF) continue;
    const first = bytes[i + 1];
    if (first === CR) {
      if (i + 2 >= end) return false;
      head.end = i + 3;
      return true;
    }
    if ((first | 32) === 99 && startsWith(bytes, i + 1, CONTENT_LENGTH)) {
      head.contentLength = number(bytes, i + 1 + CONTENT_LENGTH.length);
    } else if ((first | 32) === 116 && startsWith(bytes, i + 1, TRANSFER_ENCODING)) {
      head.chunked = true;
    }
  }
  return false;
}

/**
 * Decodes a body of chunks that starts at `start`.
 *
 * @returns `{ body, end }`, or undefined while the last chunk is not there.
 */
export function decodeChunks(bytes, start) {
  const parts = [];
  for (let i = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', i);
    if (lineEnd < 0) return undefined;
    const size = parseInt(bytes.latin1Slice(i, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), end: next };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    i = next;
  }
}

function startsWith(bytes, at, lowerCaseName) {
  for (let i = 0; i < lowerCaseName.length; i += 1) {
    const byte = bytes[at + i];
    if (byte !== lowerCaseName[i] && (byte | 32) !== lowerCaseName[i]) return false;
  }
  return true;
}

function number(bytes, at) {
  let value = 0;
  while (bytes[at] === 32) at += 1;
  for (; bytes[at] >= 48 && bytes[at] <= 57; at += 1) value = value * 10 + bytes[at] - 48;
  return value;
}
