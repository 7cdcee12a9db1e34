/**
 * The answers of a request's subgraphs.
 *
 * One Buffer holds all response bodies, so that a value is (start, length) whatever body it is from. One `Int32Array`,
 * the tape, holds their structure: records, lists and cells, which refer to each other by index.
 *
 * - A *pair* is two words that stand for a JSON value: `a`, and `b`, whose low four bits are its kind. For a
 *   leaf, `a` is where it starts and `b >> LENGTH_SHIFT` how long it is; for an object or list, `a` is the
 *   index of its record. A pair of zeros is a value that is absent.
 * - A *record* is an object: a header, a pair for each field, a word for each fetch that may join it.
 * - A *list* is a count and that many pairs.
 * - A *cell* is a fetch's request for one entity. All records that need the answer refer to the cell. Its first word is
 *   the answered record, or 0: the tape begins with zeros, a record whose fields are all absent.
 */
export class Workspace {
  bytes: Buffer = Buffer.allocUnsafeSlow(initialBytes);
  /** The same bytes, several at once. */
  view = new DataView(this.bytes.buffer);
  /** Where the next body goes. Nothing stands at 0, so that no value starts there. */
  end = 1;
  tape = new Int32Array(initialWords);
  top = 0;
  /** The stack on which the scanner gathers the elements of lists. */
  stack = new Int32Array(256);

  /** Allocates words that are zero: `reset` has zeroed them, all at once. */
  allocate(words: number): number {
    const at = this.top;
    const top = at + words;
    if (top > this.tape.length) this.#growTape(top);
    this.top = top;
    return at;
  }

  /** Frees the words from `top` on. */
  rollBack(top: number): void {
    this.tape.fill(0, top, this.top);
    this.top = top;
  }

  /** Copies a body in and returns where it starts. A zero byte after it ends a scan without counting. */
  append(body: Uint8Array): number {
    const start = this.end;
    const end = start + body.length;
    if (end + margin > this.bytes.length) this.#growBytes(end + margin);
    this.bytes.set(body, start);
    this.bytes[end] = 0;
    this.end = end + 1;
    return start;
  }

  reset(): void {
    this.tape.fill(0, 0, this.top);
    this.top = 0;
    this.end = 1;
  }

  get byteLength(): number {
    return this.bytes.length + this.tape.byteLength;
  }

  #growTape(words: number): void {
    if (words > largestTape) throw new RangeError('it is too large to be merged with the others');
    const grown = new Int32Array(Math.max(words, this.tape.length * 2));
    grown.set(this.tape.subarray(0, this.top));
    this.tape = grown;
  }

  #growBytes(length: number): void {
    if (length > largestBytes) throw new RangeError('it is too large to be merged with the others');
    const grown = Buffer.allocUnsafeSlow(Math.min(largestBytes, Math.max(length, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

const initialBytes = 16 * 1024;
const initialWords = 4 * 1024;
/** Bytes after the last one that can be read. */
const margin = 8;
/** 1 GiB each: positions are signed 32-bit integers. */
const largestBytes = 2 ** 30;
const largestTape = 2 ** 28;

export const LENGTH_SHIFT = 5;
export const KIND = 15;
/** Set on a leaf right after its own key, which is written as `"key":` without a space. */
export const TIGHT = 16;
/** The longest leaf whose length fits into a word beside its kind: 64 MiB. */
export const longestLeaf = 2 ** 26 - 1;

export const ABSENT = 0;
export const NULL = 1;
export const FALSE = 2;
export const TRUE = 3;
/** An integer of at most nine digits, which fits into 32 bits. */
export const INT = 4;
export const LONG = 5;
/** A number with a fraction or an exponent. */
export const FLOAT = 6;
export const STRING = 7;
/** A string with a backslash in it. */
export const ESCAPED = 8;
export const OBJECT = 9;
export const LIST = 10;
/** An object or list where a leaf was expected: the value of a custom scalar, or a list of leaves. */
export const RAW = 11;

/** The words of a record's header. */
export const TYPE = 0;
/** The number of the last walk that passed the record, and the depths at which it did. */
export const VISITED = 1;
/** The bytes of its JSON. */
export const SOURCE_START = 2;
export const SOURCE_END = 3;
/** The object projection that wrote it last, and where in the output. */
export const WRITTEN_BY = 4;
export const WRITTEN_START = 5;
export const WRITTEN_END = 6;
export const HEADER = 7;

/** The words of a cell. */
export const ANSWER = 0;
export const STATUS = 1;
export const CALL = 2;
export const REPRESENTATION_START = 3;
export const REPRESENTATION_LENGTH = 4;
export const REPRESENTATION_HASH = 5;
/** From here on: for each record layout that the entity joins, the first record that requested it. */
export const FIRST_REQUESTER = 6;

/** The values of a cell's status; 0 while its call is pending. */
export const ANSWERED = 1;
/** The call failed, or answered only errors for the entity. */
export const FAILED = 2;
/** Required fields are missing, so the entity was not requested. */
export const SKIPPED = 3;
