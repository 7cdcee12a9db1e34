/**
 * Collects bytes that come in pieces in one buffer. Small pieces cost no more than their bytes: a list of a million
 * pieces would take more memory than the response itself.
 */
export class KeptBytes {
  length = 0;
  #buffer: Buffer;

  /** @param expected how many bytes there will be; 0 if unknown */
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
