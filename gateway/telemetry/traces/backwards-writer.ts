import { valueOfDigit } from './random-ids';

/**
 * Writes messages of Protobuf from their end to their beginning: when the length of a message is to be written, it is known.
 * Fields are given in reverse order, each by its number.
 */
export class BackwardsWriter {
  #buffer = Buffer.allocUnsafeSlow(1024);
  /** Of the first byte that is written. */
  #at = 1024;
  /** Unix milliseconds, and the same time in nanoseconds, in two parts of 32 bits. */
  #near = NaN;
  #nearHigh = 0;
  #nearLow = 0;

  /** How many bytes are written: where the message ends that is written next. */
  get size(): number {
    return this.#buffer.length - this.#at;
  }

  /** Makes the field of a message of what was written since `end`, which was the size before it. */
  close(field: number, end: number): void {
    this.#reserve(longestNumbers);
    this.#number(this.size - end);
    this.#number((field << 3) | 2);
  }

  /** @param value a whole number from 0 to 2 ** 53 - 1 */
  varint(field: number, value: number): void {
    this.#reserve(longestNumbers);
    this.#number(value);
    this.#number(field << 3);
  }

  fixed32(field: number, value: number): void {
    this.#reserve(longestNumbers);
    this.#fixed32(value);
    this.#number((field << 3) | 5);
  }

  double(field: number, value: number): void {
    this.#reserve(longestNumbers);
    this.#buffer.writeDoubleLE(value, (this.#at -= 8));
    this.#number((field << 3) | 1);
  }

  /** A time as `fixed64`, in nanoseconds. @param milliseconds since 1970, with fractions */
  time(field: number, milliseconds: number): void {
    this.#reserve(longestNumbers);
    let since = milliseconds - this.#near;
    if (!(since >= 0 && since < longestNear)) {
      this.#comeNear(milliseconds);
      since = milliseconds - this.#near;
    }
    const low = this.#nearLow + Math.round(since * 1e6);
    const isOver = low >= 0x100000000;
    this.#fixed32(isOver ? this.#nearHigh + 1 : this.#nearHigh);
    this.#fixed32(isOver ? low - 0x100000000 : low);
    this.#number((field << 3) | 1);
  }

  /** In UTF-8. */
  text(field: number, value: string): void {
    const { length } = value;
    this.#reserve(3 * length + longestNumbers);
    const buffer = this.#buffer;
    const end = this.#at;
    const start = end - length;
    let i = 0;
    // Most texts are short and in ASCII: to call into Node for each takes longer.
    for (let code: number; i < length && (code = value.charCodeAt(i)) < 0x80; i++) buffer[start + i] = code;
    this.#at = start;
    if (i < length) {
      this.#at = end - Buffer.byteLength(value);
      buffer.write(value, this.#at);
    }
    this.#number(end - this.#at);
    this.#number((field << 3) | 2);
  }

  /** Bytes. @param digits hexadecimal ones, in lower case */
  hex(field: number, digits: string): void {
    const size = digits.length / 2;
    this.#reserve(size + longestNumbers);
    const buffer = this.#buffer;
    const start = (this.#at -= size);
    for (let i = 0; i < size; i++)
      buffer[start + i] =
        (valueOfDigit(digits.charCodeAt(2 * i)) << 4) | valueOfDigit(digits.charCodeAt(2 * i + 1));
    this.#number(size);
    this.#number((field << 3) | 2);
  }

  /** Bytes. @param words 4 of them each, the first one highest */
  words(field: number, words: readonly number[]): void {
    const size = 4 * words.length;
    this.#reserve(size + longestNumbers);
    const buffer = this.#buffer;
    let at = (this.#at -= size);
    for (const word of words) {
      buffer[at++] = word >> 24;
      buffer[at++] = word >> 16;
      buffer[at++] = word >> 8;
      buffer[at++] = word;
    }
    this.#number(size);
    this.#number((field << 3) | 2);
  }

  /** Whole fields that were written before. */
  bytes(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#buffer.set(fields, (this.#at -= fields.length));
  }

  /** Returns what is written, and begins anew. */
  finish(): Uint8Array {
    const { length } = this.#buffer;
    const bytes = this.#buffer.subarray(this.#at);
    this.#at = length;
    // A copy costs less than a buffer, unless it is large; and what is small must not hold a large one.
    if (bytes.length < length / 4) return Uint8Array.prototype.slice.call(bytes);
    this.#buffer = Buffer.allocUnsafeSlow(length);
    return bytes;
  }

  /** As `varint` in Protobuf: 7 bits in each byte, the lowest first. */
  #number(value: number): void {
    if (value < 0x80) this.#buffer[--this.#at] = value;
    else if (value < 0x4000) {
      this.#buffer[--this.#at] = value >> 7;
      this.#buffer[--this.#at] = (value & 0x7f) | 0x80;
    } else {
      this.#number(Math.floor(value / 0x80));
      this.#buffer[--this.#at] = (value % 0x80) | 0x80;
    }
  }

  #fixed32(value: number): void {
    const buffer = this.#buffer;
    const at = (this.#at -= 4);
    buffer[at] = value;
    buffer[at + 1] = value >>> 8;
    buffer[at + 2] = value >>> 16;
    buffer[at + 3] = value >>> 24;
  }

  /** Takes a whole number of milliseconds that times are written from: a double has not enough digits for nanoseconds. */
  #comeNear(milliseconds: number): void {
    this.#near = Math.floor(milliseconds);
    const nanoseconds = BigInt(this.#near) * 1_000_000n;
    this.#nearHigh = Number(nanoseconds >> 32n);
    this.#nearLow = Number(nanoseconds & 0xffffffffn);
  }

  /** Makes the buffer larger if it has not room for so many bytes. */
  #reserve(size: number): void {
    if (size <= this.#at) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#buffer.length + size));
    const at = larger.length - this.size;
    this.#buffer.copy(larger, at, this.#at);
    this.#buffer = larger;
    this.#at = at;
  }
}

/** Bytes of a tag, and of the longest number. */
const longestNumbers = 20;

/** Milliseconds, which are fewer nanoseconds than 2 ** 32. */
const longestNear = 2_000;
