/** Bytes that are being written: a Buffer that grows. */
export class ByteWriter {
  bytes: Buffer;
  end = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    const needed = this.end + count;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
  }

  byte(byte: number): void {
    if (this.end === this.bytes.length) this.reserve(1);
    this.bytes[this.end++] = byte;
  }

  copy(from: Buffer, start: number, end: number): void {
    const count = end - start;
    if (this.end + count > this.bytes.length) this.reserve(count);
    const { bytes } = this;
    let at = this.end;
    if (count <= shortCopy) for (let i = start; i < end; i++) bytes[at++] = from[i]!;
    else from.copy(bytes, at, start, end);
    this.end += count;
  }

  all(from: Buffer): void {
    this.copy(from, 0, from.length);
  }

  /** Writes again what stands at these positions already. */
  again(start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.copyWithin(this.end, start, end);
    this.end += end - start;
  }
}

/** Up to this length a loop is faster than a call into the runtime. */
const shortCopy = 64;
