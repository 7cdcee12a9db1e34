/** Bytes that come piece by piece. However small the pieces are, keeping them costs time and memory for the bytes only. */
export class KeptBytes {
  length = 0;
  #buffer: Buffer = Buffer.alloc(0);

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  /** Copies a piece, and answers with all bytes so far. */
  append(piece: Buffer): Buffer {
    const length = this.length + piece.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.length);
    this.length = length;
    return this.bytes;
  }
}
