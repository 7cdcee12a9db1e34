import type { TransportFailure } from '../transport';
import { KeptBytes } from '../kept-bytes';

/** A body in chunks (RFC 9112, section 7.1), whose bytes come in pieces of any size. Trailers are passed over. */
export class ChunkedBody {
  /** How many bytes followed the body. */
  excess = 0;
  readonly #maxSize: number;
  readonly #kept = new KeptBytes();
  #size = 0;
  #expects: Expected = 'size';
  /** What is left of the chunk that is being read; while its size is read, the size so far. */
  #left = 0;
  #digits = 0;
  /** How many bytes of extensions and trailers there were. */
  #ignored = 0;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Takes bytes that are only lent. */
  push(bytes: Buffer): 'more' | 'complete' | TransportFailure {
    let at = 0;
    while (at < bytes.length) {
      if (this.#expects === 'data') {
        const end = Math.min(at + this.#left, bytes.length);
        this.#kept.append(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#expects = 'data-cr';
        continue;
      }
      const failure = this.#take(bytes[at++]!);
      if (failure !== undefined) return failure;
      if (this.#expects === 'nothing') {
        this.excess = bytes.length - at;
        return 'complete';
      }
    }
    return 'more';
  }

  /** The body, once it is complete. */
  get bytes(): Buffer {
    return this.#kept.bytes;
  }

  #take(byte: number): TransportFailure | undefined {
    switch (this.#expects) {
      case 'size': {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          this.#left = this.#left * 16 + digit;
          return ++this.#digits > 8 ? 'not-http' : undefined;
        }
        if (this.#digits === 0) return 'not-http';
        if (byte === CR) this.#expects = 'size-lf';
        else if (byte === SEMICOLON || byte === SPACE || byte === TAB) this.#expects = 'extension';
        else return 'not-http';
        return undefined;
      }
      case 'extension':
        if (byte === CR) this.#expects = 'size-lf';
        return this.#ignore(byte);
      case 'size-lf':
        return byte === LF ? this.#startChunk() : 'not-http';
      case 'data-cr':
        this.#expects = 'data-lf';
        return byte === CR ? undefined : 'not-http';
      case 'data-lf':
        this.#expects = 'size';
        this.#digits = 0;
        return byte === LF ? undefined : 'not-http';
      case 'trailer':
        this.#expects = byte === CR ? 'end-lf' : 'trailer-line';
        return this.#ignore(byte);
      case 'trailer-line':
        if (byte === CR) this.#expects = 'trailer-lf';
        return this.#ignore(byte);
      case 'trailer-lf':
        this.#expects = 'trailer';
        return byte === LF ? undefined : 'not-http';
      case 'end-lf':
        this.#expects = 'nothing';
        return byte === LF ? undefined : 'not-http';
      case 'data':
      case 'nothing':
        return undefined;
    }
  }

  #startChunk(): TransportFailure | undefined {
    this.#size += this.#left;
    if (this.#size > this.#maxSize) return 'too-large';
    this.#expects = this.#left === 0 ? 'trailer' : 'data';
    return undefined;
  }

  #ignore(byte: number): TransportFailure | undefined {
    if (byte === LF) return 'not-http';
    return ++this.#ignored > maxIgnored ? 'too-large' : undefined;
  }
}

type Expected =
  | 'size'
  | 'extension'
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'trailer'
  | 'trailer-line'
  | 'trailer-lf'
  | 'end-lf'
  | 'nothing';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const SEMICOLON = 59;
const maxIgnored = 16 * 1024;

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
