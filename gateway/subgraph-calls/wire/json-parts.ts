/**
 * Splits JSON into parts, each as its original bytes. A part is skipped without being checked: errors in it are found
 * when it is parsed. Invalid JSON outside of the parts is a `SyntaxError`.
 */
export class JsonParts {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Whether the next value is an object. */
  get isObject(): boolean {
    return this.#peek() === OPEN_OBJECT;
  }

  /** Whether the next value is a list. */
  get isList(): boolean {
    return this.#peek() === OPEN_LIST;
  }

  /**
   * Reads an object. `member` is called before each value, with its name, and must read the value. It may return false: then
   * the rest is not read.
   */
  object(member: (name: string) => unknown): void {
    this.#sequence(OPEN_OBJECT, CLOSE_OBJECT, () => {
      const name = this.#name();
      this.#take(COLON);
      return member(name);
    });
  }

  /** Reads a list, and returns its elements. */
  list(): Buffer[] {
    const elements: Buffer[] = [];
    this.#sequence(OPEN_LIST, CLOSE_LIST, () => {
      elements.push(this.value());
    });
    return elements;
  }

  /** Reads any value, and returns its bytes. */
  value(): Buffer {
    const bytes = this.#bytes;
    const first = this.#peek();
    const start = this.#at;
    if (first === OPEN_OBJECT || first === OPEN_LIST) this.#at = endOfNested(bytes, start);
    else if (first === QUOTE) this.#at = endOfString(bytes, start);
    else this.#at = endOfWord(bytes, start);
    return bytes.subarray(start, this.#at);
  }

  /** Throws if anything but white space follows. */
  end(): void {
    if (this.#peek() !== undefined) throw new SyntaxError(unexpected);
  }

  #name(): string {
    if (this.#peek() !== QUOTE) throw new SyntaxError(unexpected);
    const start = this.#at;
    this.#at = endOfString(this.#bytes, start);
    const text = this.#bytes.toString('utf8', start + 1, this.#at - 1);
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
  }

  #sequence(open: number, close: number, each: () => unknown): void {
    this.#take(open);
    if (this.#peek() === close) {
      this.#at++;
      return;
    }
    for (;;) {
      if (each() === false) return;
      const next = this.#peek();
      this.#at++;
      if (next === close) return;
      if (next !== COMMA) throw new SyntaxError(unexpected);
    }
  }

  #take(byte: number): void {
    if (this.#peek() !== byte) throw new SyntaxError(unexpected);
    this.#at++;
  }

  /** The next byte that is not white space; undefined at the end. */
  #peek(): number | undefined {
    const bytes = this.#bytes;
    let byte = bytes[this.#at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++this.#at];
    return byte;
  }
}

function endOfNested(bytes: Buffer, start: number): number {
  let depth = 0;
  let p = start;
  do {
    switch (bytes[p]) {
      case QUOTE:
        p = endOfString(bytes, p);
        continue;
      case OPEN_OBJECT:
      case OPEN_LIST:
        depth++;
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        depth--;
        break;
      case undefined:
        throw new SyntaxError(unexpected);
    }
    p++;
  } while (depth > 0);
  return p;
}

function endOfString(bytes: Buffer, start: number): number {
  for (let p = start + 1; ; p++) {
    const byte = bytes[p];
    if (byte === QUOTE) return p + 1;
    if (byte === BACKSLASH) p++;
    else if (byte === undefined) throw new SyntaxError(unexpected);
  }
}

/** The end of a number, or of `true`, `false` or `null`. */
function endOfWord(bytes: Buffer, start: number): number {
  let p = start;
  for (;;) {
    const byte = bytes[p];
    if (byte === undefined || byte <= 0x20 || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST)
      break;
    p++;
  }
  if (p === start) throw new SyntaxError(unexpected);
  return p;
}

const unexpected = 'This is not JSON.';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
