import { isUtf8 } from 'node:buffer';

/** A part of a JSON text that may be a request. */
export interface JsonPiece {
  /** Undefined if it is longer than {@link longestPiece}. */
  readonly text: string | undefined;
  /** Where it begins, from 1. */
  readonly line: number;
}

export class BrokenJson extends Error {
  override readonly name = 'BrokenJson';
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

/** What may come next; within a string or a word, more of it. */
type State = 'value' | 'first-item' | 'key' | 'first-key' | 'colon' | 'after' | 'string' | 'word';

/**
 * Reads JSON of any size in one pass and bounded memory, and finds each value of JSON lines, each item of a list, and each
 * `log.entries[].request` of a HAR. What is skipped, such as responses in a HAR, is checked to be JSON, too.
 */
export class JsonScanner {
  #line = 1;
  #state: State = 'value';
  /** For each object and list that is open, the byte that closes it. */
  readonly #open: number[] = [];
  /** The last keys of the outermost of them. */
  readonly #keys: string[] = [];
  /** The word, or the key, that is being read. */
  #token = '';
  #isKey = false;
  /** Bytes of an escape in a string that are to come: hexadecimal digits, and before them the one behind the backslash. */
  #escape: 0 | 1 | 2 | 3 | 4 | 'letter' = 0;
  #piece: { parts: Buffer[]; bytes: number; readonly line: number; readonly depth: number } | undefined;
  #isHar = false;

  /** Reads on, and returns the pieces that end here. The bytes may be overwritten afterwards. @throws {BrokenJson} */
  scan(bytes: Buffer): JsonPiece[] {
    const pieces: JsonPiece[] = [];
    let from = 0;
    let i = 0;
    while (i < bytes.length) {
      const byte = bytes[i]!;
      if (this.#state === 'string') i = this.#scanString(bytes, i);
      else if (this.#state === 'word') {
        if (isInWord[byte] === 1) i++;
        this.#scanWord(byte);
      } else {
        if (this.#beginsPiece(byte)) {
          this.#piece = { parts: [], bytes: 0, line: this.#line, depth: this.#open.length };
          from = i;
        }
        if (isSpace[byte] !== 1) this.#scanByte(byte);
        else if (byte === NEWLINE) this.#line++;
        i++;
      }
      if (this.#state !== 'after') continue;
      if (this.#piece?.depth === this.#open.length) {
        pieces.push(this.#endPiece(bytes.subarray(from, i)));
        from = i;
      }
      if (this.#open.length > 0) continue;
      this.#state = 'value';
      this.#isHar = false;
    }
    if (this.#piece !== undefined) this.#keep(bytes.subarray(from));
    return pieces;
  }

  /** Ends the text, and returns the last piece. @throws {BrokenJson} */
  end(): JsonPiece[] {
    const pieces = this.#state === 'word' ? this.scan(Buffer.from(' ')) : [];
    if (this.#open.length > 0 || this.#state !== 'value')
      throw new BrokenJson(this.#piece?.line ?? this.#line, 'it ends in the middle');
    return pieces;
  }

  #beginsPiece(byte: number): boolean {
    if (this.#state !== 'value' && (this.#state !== 'first-item' || byte === CLOSE_LIST)) return false;
    if (isSpace[byte] === 1) return false;
    const [open, keys] = [this.#open, this.#keys];
    if (open.length === 0) return byte !== OPEN_LIST;
    if (open.length === 1 && keys[0] === 'log' && open[0] === CLOSE_OBJECT && byte === OPEN_OBJECT) {
      this.#isHar = true;
      this.#piece = undefined;
    }
    if (this.#isHar)
      return open.length === 4 && open[2] === CLOSE_LIST && keys[1] === 'entries' && keys[3] === 'request';
    return open.length === 1 && open[0] === CLOSE_LIST;
  }

  /** Reads a byte that is neither space nor within a string or word. */
  #scanByte(byte: number): void {
    if (byte === 0 || byte >= FIRST_NEVER_IN_UTF8) this.#fail(notUtf8);
    const open = this.#open;
    switch (this.#state) {
      case 'colon':
        if (byte !== COLON) this.#fail('a colon is missing');
        this.#state = 'value';
        return;
      case 'after':
        if (byte === open.at(-1)) this.#close();
        else if (byte === COMMA) this.#state = open.at(-1) === CLOSE_LIST ? 'value' : 'key';
        else this.#fail('a comma or bracket is missing');
        return;
      case 'key':
      case 'first-key':
        if (byte === CLOSE_OBJECT && this.#state === 'first-key') this.#close();
        else if (byte === QUOTE) this.#beginString(true);
        else this.#fail('a key is missing');
        return;
      case 'value':
      case 'first-item':
        if (byte === CLOSE_LIST && this.#state === 'first-item') this.#close();
        else this.#beginValue(byte);
        return;
      // They are read elsewhere.
      case 'string':
      case 'word':
        return;
      default:
        this.#state satisfies never;
    }
  }

  #beginValue(byte: number): void {
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (this.#open.length >= deepest) this.#fail(`it is nested deeper than ${deepest} levels`);
      this.#open.push(byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST);
      if (this.#open.length <= knownLevels) this.#keys[this.#open.length - 1] = '';
      this.#state = byte === OPEN_OBJECT ? 'first-key' : 'first-item';
    } else if (byte === QUOTE) this.#beginString(false);
    else {
      this.#state = 'word';
      this.#token = '';
      this.#scanWord(byte);
    }
  }

  #close(): void {
    this.#open.pop();
    this.#state = 'after';
  }

  #beginString(isKey: boolean): void {
    this.#isKey = isKey;
    this.#token = '';
    this.#state = 'string';
  }

  /** Reads the bytes of a string; returns the position behind them. */
  #scanString(bytes: Buffer, start: number): number {
    const isKnown = this.#isKey && this.#open.length <= knownLevels;
    for (let i = start; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (this.#escape !== 0) this.#scanEscape(byte);
      else if (byte === BACKSLASH) this.#escape = 'letter';
      else if (byte === QUOTE) {
        if (isKnown) this.#keys[this.#open.length - 1] = this.#token;
        this.#state = this.#isKey ? 'colon' : 'after';
        return i + 1;
      } else if (byte < SPACE) this.#fail('a string does not end');
      else if (isKnown && this.#token.length < longestKey) this.#token += String.fromCharCode(byte);
    }
    return bytes.length;
  }

  #scanEscape(byte: number): void {
    if (this.#escape === 'letter') {
      if (!'"\\/bfnrtu'.includes(String.fromCharCode(byte))) this.#fail('a string has a wrong escape');
      this.#escape = byte === LETTER_U ? 4 : 0;
    } else {
      if (!/[0-9a-fA-F]/.test(String.fromCharCode(byte))) this.#fail('a string has a wrong escape');
      this.#escape = (this.#escape - 1) as 0 | 1 | 2 | 3;
    }
  }

  /** Reads a byte of a number, `true`, `false` or `null`, or the one behind it, which is then to be read again. */
  #scanWord(byte: number): void {
    if (isInWord[byte] === 1 && this.#token.length < longestWord) this.#token += String.fromCharCode(byte);
    else if (word.test(this.#token)) this.#state = 'after';
    else this.#fail('a value is missing');
  }

  #endPiece(rest: Buffer): JsonPiece {
    this.#keep(rest);
    const { parts, bytes, line } = this.#piece!;
    this.#piece = undefined;
    if (bytes > longestPiece) return { text: undefined, line };
    const whole = Buffer.concat(parts);
    if (!isUtf8(whole)) throw new BrokenJson(line, notUtf8);
    return { text: whole.toString(), line };
  }

  #keep(bytes: Buffer): void {
    const piece = this.#piece!;
    piece.bytes += bytes.length;
    if (piece.bytes > longestPiece) piece.parts = [];
    else piece.parts.push(Buffer.from(bytes));
  }

  #fail(reason: string): never {
    throw new BrokenJson(this.#line, reason);
  }
}

/** Bytes: more than servers take as a request. */
const longestPiece = 4 * 1024 * 1024;
const deepest = 1000;
/** Levels whose keys are known, and characters of these. */
const knownLevels = 4;
const longestKey = 16;
const longestWord = 1000;

const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)$/;

const notUtf8 = 'it is not UTF-8';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const LETTER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** As the byte order marks of UTF-16 have them. */
const FIRST_NEVER_IN_UTF8 = 0xfe;

const isSpace = tableOf(' \t\r\n');
const isInWord = tableOf('+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');

function tableOf(characters: string): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    characters.includes(String.fromCharCode(byte)) ? 1 : 0,
  );
}
