/**
 * Collects bytes that come in pieces in one buffer. Small pieces cost no more than their bytes: a list of a million
 * pieces would take more memory than the response itself.
 */
export class KeptBytes {
  length = 0;
  #expected = 0;
  #buffer: Buffer = none;

  /** @param expected how many bytes there will be; 0 if unknown. Room for all of them is made once there are many */
  constructor(first: Buffer, expected: number) {
    this.append(first);
    this.#expected = expected;
  }

  /** Bytes of memory. */
  get taken(): number {
    return this.#buffer.length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  /** Copies a piece. */
  append(piece: Buffer): void {
    const length = this.length + piece.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(this.#sizeFor(length));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.length);
    this.length = length;
  }

  /** Pieces that still come after a pause make no room for all the others. */
  #sizeFor(length: number): number {
    const doubled = Math.max(length, 2 * this.#buffer.length);
    if (length > this.#expected) return doubled;
    return length < many ? Math.min(doubled, this.#expected) : this.#expected;
  }
}

const many = 256 * 1024;
const none: Buffer = Buffer.alloc(0);
