import { KeptBytes } from '../kept-bytes';
import { AnswerHead, incomplete, type KnownLines, maxHead } from './answer-head';
import type { MisreadReason } from './refusals';

/**
 * How far a response is: more of it is to come; it is complete; its body is over the limit; or why the strict client does
 * not understand it. After the latter two the connection is of no use.
 */
export type Progress = 'more' | 'complete' | 'too-large' | MisreadReason;

/**
 * Reads the responses of one connection, one after the other. Nothing may follow a response before the next call is sent.
 *
 * Mostly a response comes in one piece, and then nothing but its body is copied.
 */
export class AnswerParser {
  readonly head: AnswerHead;
  /** The largest body, in bytes. */
  maxBody = 0;
  #body: Buffer = none;
  #reads: 'head' | 'body' | 'chunks' = 'head';
  /** The beginning of a head or of a chunk's frame. */
  #begun: KeptBytes | undefined;
  #kept: KeptBytes | undefined;
  /** What is left of a chunk, with the CR LF behind it. */
  #chunkLeft = 0;

  /** @param known shared by the connections of one subgraph */
  constructor(known: KnownLines) {
    this.head = new AnswerHead(known);
  }

  /** The body of a complete response, which is not kept here: an idle connection holds none. It is a copy. */
  takeBody(): Buffer {
    const body = this.#body;
    this.#body = none;
    return body;
  }

  /** Bytes of memory that hold what has come of a body. */
  get taken(): number {
    return this.#kept?.taken ?? 0;
  }

  /** Bytes of a body that has begun, as its head announces them; 0 if it announces none. */
  get announced(): number {
    return this.#reads === 'body' ? this.head.length : 0;
  }

  /** @param size how many bytes of `piece` count */
  read(piece: Buffer, size: number): Progress {
    switch (this.#reads) {
      case 'head':
        return this.#readHead(piece, size);
      case 'body':
        return this.#readBody(piece, size);
      case 'chunks':
        return this.#readChunks(piece, 0, size);
    }
  }

  #readHead(piece: Buffer, size: number): Progress {
    let bytes = piece;
    let length = size;
    if (this.#begun !== undefined) {
      // Looks for the end only in what is new, so that a head that comes byte by byte costs no more than its length.
      const from = Math.max(0, this.#begun.length - 3);
      this.#begun.append(piece.subarray(0, size));
      bytes = this.#begun.bytes;
      length = bytes.length;
      if (!bytes.includes('\r\n\r\n', from, 'latin1')) return length > maxHead ? 'header-size' : 'more';
      this.#begun = undefined;
    }
    const at = this.head.read(bytes, length);
    if (typeof at === 'string') return at;
    if (at === incomplete) {
      if (length > maxHead) return 'header-size';
      this.#begun = new KeptBytes(bytes.subarray(0, length), 0);
      return 'more';
    }
    const expected = this.head.length;
    if (expected > this.maxBody) return 'too-large';
    if (length - at === expected) {
      this.#body = Buffer.allocUnsafe(expected);
      bytes.copy(this.#body, 0, at, length);
      return 'complete';
    }
    if (expected < 0) {
      this.#reads = 'chunks';
      this.#kept = new KeptBytes(none, 0);
      return this.#readChunks(bytes, at, length);
    }
    if (length - at > expected) return 'excess';
    this.#reads = 'body';
    this.#kept = new KeptBytes(bytes.subarray(at, length), expected);
    return 'more';
  }

  #readBody(piece: Buffer, size: number): Progress {
    const kept = this.#kept!;
    if (kept.length + size > this.head.length) return 'excess';
    kept.append(piece.subarray(0, size));
    return kept.length < this.head.length ? 'more' : this.#complete();
  }

  #readChunks(piece: Buffer, from: number, length: number): Progress {
    const kept = this.#kept!;
    let bytes = piece;
    let size = length;
    let at = from;
    if (this.#begun !== undefined) {
      this.#begun.append(piece.subarray(0, size));
      bytes = this.#begun.bytes;
      size = bytes.length;
      this.#begun = undefined;
    }
    for (;;) {
      const data = Math.min(this.#chunkLeft - 2, size - at);
      if (data > 0) {
        kept.append(bytes.subarray(at, at + data));
        at += data;
        this.#chunkLeft -= data;
      }
      for (; this.#chunkLeft > 0; this.#chunkLeft--) {
        if (at === size) return 'more';
        if (bytes[at++] !== (this.#chunkLeft === 2 ? CR : LF)) return 'chunk';
      }
      const frame = readFrame(bytes, at, size);
      if (typeof frame === 'string') return frame;
      if (frame === incomplete) {
        if (at < size) this.#begun = new KeptBytes(bytes.subarray(at, size), 0);
        return 'more';
      }
      if (frame === 0) return this.#complete();
      if (kept.length + frame > this.maxBody) return 'too-large';
      at = bytes.indexOf(LF, at) + 1;
      this.#chunkLeft = frame + 2;
    }
  }

  #complete(): Progress {
    this.#body = this.#kept!.bytes;
    this.#kept = undefined;
    this.#reads = 'head';
    return 'complete';
  }
}

/**
 * Reads what stands in front of a chunk: its size in at most eight digits, without extensions. Returns that, `incomplete`
 * or why it is refused. The last chunk, of size 0, must have no trailers, and nothing may follow it.
 */
function readFrame(bytes: Buffer, at: number, size: number): number | MisreadReason {
  let value = 0;
  let end = at;
  for (; end < size && end - at <= 8; end++) {
    const digit = digitOf(bytes[end]!);
    if (digit < 0) break;
    value = value * 16 + digit;
  }
  if (end - at > 8) return 'chunk';
  if (end === size) return incomplete;
  if (end === at) return 'chunk';
  const after = value === 0 ? '\r\n\r\n' : '\r\n';
  for (let i = 0; i < after.length; i++) {
    if (end + i === size) return incomplete;
    if (bytes[end + i] !== after.charCodeAt(i)) return i < 2 ? 'chunk' : 'trailers';
  }
  return value === 0 && end + after.length < size ? 'excess' : value;
}

/** The value of a hexadecimal digit; -1 for any other byte. */
function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

const none: Buffer = Buffer.alloc(0);
const CR = 13;
const LF = 10;
