/** Writes bytes to a Buffer that grows. */
export class ByteWriter {
  bytes: Buffer;
  /** The same bytes, several at once. */
  view: DataView;
  end = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.end + count;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  byte(byte: number): void {
    if (this.end === this.bytes.length) this.reserve(1);
    this.bytes[this.end++] = byte;
  }

  /** Copies bytes. The source must have three readable bytes after `end`. */
  copy({ bytes, view }: ByteSource, start: number, end: number): void {
    const count = end - start;
    this.reserve(count + 3);
    const at = this.end;
    if (count > shortCopy) bytes.copy(this.bytes, at, start, end);
    else {
      // The next write overwrites the up to three surplus bytes.
      const to = this.view;
      for (let i = 0; i < count; i += 4) to.setInt32(at + i, view.getInt32(start + i, true), true);
    }
    this.end = at + count;
  }

  /** Copies like `copy`, with a comma instead of the first byte. */
  copyBehindComma(from: ByteSource, start: number, end: number): void {
    const at = this.end;
    this.copy(from, start, end);
    this.bytes[at] = COMMA;
  }

  all(from: Buffer): void {
    const count = from.length;
    this.reserve(count);
    const { bytes } = this;
    const at = this.end;
    if (count > shortCopy) from.copy(bytes, at);
    else for (let i = 0; i < count; i++) bytes[at + i] = from[i]!;
    this.end = at + count;
  }

  /** Copies bytes that were written before. */
  again(start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.copyWithin(this.end, start, end);
    this.end += end - start;
  }
}

export interface ByteSource {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Bytes up to which a loop is faster than a call into the runtime. */
const shortCopy = 128;
const COMMA = 0x2c;
