/**
 * Bytes that come piece by piece, in one buffer. However small the pieces are, they cost time and memory for their bytes
 * only: an object for each of a million pieces would be dearer than the response is large.
 */
export class KeptBytes {
  length = 0;
  #buffer: Buffer;

  /** @param expected how many bytes there will be, as far as is known */
  constructor(first: Buffer, expected: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(first.length, expected));
    this.append(first);
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  /** Copies a piece. */
  append(piece: Buffer): void {
    const length = this.length + piece.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.length);
    this.length = length;
  }
}
