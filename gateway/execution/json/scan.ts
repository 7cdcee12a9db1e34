/**
 * Reads JSON into the tape, by its expected shape.
 *
 * One pass, no garbage. A key is first compared with the expected next key, as subgraphs answer fields in the order of
 * the selection. Fields outside the selection are checked to be JSON and dropped. The last of duplicate keys counts, as
 * with `JSON.parse`.
 *
 * Longer than other files: the byte loops of one grammar, which call each other.
 */
import { type Shape } from '../compile/shape';
import { mergePairs } from './merge-pairs';
import {
  ABSENT,
  ESCAPED,
  FALSE,
  FLOAT,
  INT,
  KIND,
  LENGTH_SHIFT,
  LIST,
  LONG,
  longestLeaf,
  NULL,
  OBJECT,
  RAW,
  SOURCE_END,
  SOURCE_START,
  STRING,
  TRUE,
  TYPE,
  type Workspace,
} from './tape';

/** The parts of a GraphQL response. */
export interface ScannedResponse {
  /** The kind of `data`: ABSENT, NULL, OBJECT, or another where a subgraph made it up. */
  dataKind: number;
  /** The record of `data` if it is an object. */
  data: number;
  /** Where `errors` starts; 0 if there are none. */
  errorsStart: number;
  errorsEnd: number;
}

export class MalformedJson extends Error {
  override readonly name = 'MalformedJson';
}

/** Deepest nesting of objects and lists, in levels. */
export const deepest = 500;

/** Scans the response that stands in the workspace from `start` on and ends with a zero byte at `end`. */
export function scanResponse(
  workspace: Workspace,
  start: number,
  end: number,
  shape: Shape,
): ScannedResponse {
  return response(new Scan(workspace, start, end), shape);
}

/** Scans the list at these bytes, which were scanned as a leaf before. Returns 0 if an object stands there. */
export function scanLeaves(workspace: Workspace, start: number, end: number): number {
  if (workspace.bytes[start] !== OPEN_LIST) return 0;
  const scan = new Scan(workspace, start, end);
  scanList(scan, start, null);
  return scan.a;
}

class Scan {
  readonly workspace: Workspace;
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
  /** The last scanned value, as a pair. */
  a = 0;
  b = 0;
  /** Where the colon of the last key ends. */
  keyEnd = 0;
  /** Whether that key and its colon stand as `"key":`, without spaces or escapes. */
  keyIsTight = false;
  depth = 0;
  stackTop = 0;

  constructor(workspace: Workspace, start: number, end: number) {
    this.workspace = workspace;
    this.bytes = workspace.bytes;
    this.view = workspace.view;
    this.start = start;
    this.end = end;
  }
}

function response(scan: Scan, shape: Shape): ScannedResponse {
  const bytes = scan.bytes;
  const response: ScannedResponse = { dataKind: ABSENT, data: 0, errorsStart: 0, errorsEnd: 0 };
  let p = scan.start;
  // RFC 8259, section 8.1: a byte order mark may be ignored.
  if (bytes[p] === 0xef && bytes[p + 1] === 0xbb && bytes[p + 2] === 0xbf) p += 3;
  p = skipSpace(bytes, p);
  if (bytes[p] !== OPEN_OBJECT) fail(scan, p);
  p = skipSpace(bytes, p + 1);
  if (bytes[p] === CLOSE_OBJECT) p++;
  else {
    for (;;) {
      if (bytes[p] !== QUOTE) fail(scan, p);
      const key = p;
      p = scanString(scan, p);
      const name = keyText(scan, key + 1, p - 1);
      p = skipSpace(bytes, p);
      if (bytes[p] !== COLON) fail(scan, p);
      p = skipSpace(bytes, p + 1);
      const value = p;
      if (name === 'data') {
        p = scanValue(scan, p, shape);
        response.dataKind = scan.b & KIND;
        response.data = scan.a;
      } else {
        p = scanLeaf(scan, p);
        if (name === 'errors') {
          response.errorsStart = value;
          response.errorsEnd = p;
        }
      }
      p = skipSpace(bytes, p);
      if (bytes[p] === CLOSE_OBJECT) break;
      if (bytes[p] !== COMMA) fail(scan, p);
      p = skipSpace(bytes, p + 1);
    }
    p++;
  }
  p = skipSpace(bytes, p);
  if (p !== scan.end) fail(scan, p);
  return response;
}

/** Scans an object from behind its brace into `record`; returns the position behind it. */
function scanObject(scan: Scan, start: number, shape: Shape, record: number): number {
  const { bytes, view, workspace } = scan;
  const { keyWords, keyFirst, keyMask, keyLength, slots, children, typenames, tights } = shape;
  const { hasSharedObjects } = shape;
  const keyCount = slots.length;
  let tape = workspace.tape;
  let p = start;
  let expected = 0;
  if (++scan.depth > deepest) failTooDeep();
  while (isSpace[bytes[p]!] === 1) p++;
  if (bytes[p] !== CLOSE_OBJECT) {
    for (;;) {
      let field = -1;
      let tight = 0;
      if (expected < keyCount) {
        // The key that is expected, its quotation marks and its colon are compared four bytes at a time.
        const last = keyFirst[expected + 1]! - 1;
        let word = keyFirst[expected]!;
        let q = p;
        while (word < last && view.getInt32(q, true) === keyWords[word]) {
          q += 4;
          word++;
        }
        if (word === last && (view.getInt32(q, true) & keyMask[expected]!) === keyWords[word]) {
          field = expected;
          tight = tights[field]!;
          p += keyLength[field]!;
        }
      }
      if (field === -1) {
        field = findKey(scan, p, shape, expected);
        p = scan.keyEnd;
        tight = scan.keyIsTight ? tights[field]! : 0;
      }
      if (isSpace[bytes[p]!] === 1) {
        tight = 0;
        p = skipSpace(bytes, p);
      }
      if (field < 0) p = scanLeaf(scan, p);
      else {
        expected = field + 1;
        const at = record + slots[field]!;
        const child = children[field] as Shape | null;
        if (child !== null) {
          p = scanValue(scan, p, child);
          tape = workspace.tape;
          if (!hasSharedObjects || !mergePairs(tape, at, scan.a, scan.b, child)) {
            tape[at] = scan.a;
            tape[at + 1] = scan.b;
          }
        } else if (typenames[field] === 1 && isLastType(view, p, shape)) {
          const length = shape.lastTypeLength;
          tape[at] = p;
          tape[at + 1] = lengthBits(length) | STRING | tight;
          tape[record + TYPE] = shape.lastType;
          p += length;
        } else if (bytes[p] === QUOTE) {
          // The usual leaf is scanned here: a call would cost more.
          let q = p + 1;
          for (;;) {
            const word = view.getInt32(q, true);
            const quote = word ^ QUOTES;
            const backslash = word ^ BACKSLASHES;
            const found =
              ((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | ((word - SPACES) & ~word);
            if ((found & HIGH_BITS) !== 0) break;
            q += 4;
          }
          while (isPlain[bytes[q]!] === 1) q++;
          let kind = STRING;
          if (bytes[q] === QUOTE) q++;
          else {
            kind = ESCAPED;
            q = scanString(scan, p);
          }
          tape[at] = p;
          tape[at + 1] = lengthBits(q - p) | kind | tight;
          if (typenames[field] === 1) tape[record + TYPE] = typeOf(scan, p, q, shape);
          p = q;
        } else {
          p = bytes[p]! > ZERO && bytes[p]! <= NINE ? scanNumber(scan, p) : scanLeaf(scan, p);
          tape[at] = scan.a;
          tape[at + 1] = scan.b | tight;
          if (typenames[field] === 1) tape[record + TYPE] = 0;
        }
      }
      if (bytes[p] === COMMA) p++;
      else {
        p = skipSpace(bytes, p);
        if (bytes[p] === CLOSE_OBJECT) break;
        if (bytes[p] !== COMMA) fail(scan, p);
        p++;
      }
      while (isSpace[bytes[p]!] === 1) p++;
    }
  }
  scan.depth--;
  tape[record + SOURCE_START] = start - 1;
  return (tape[record + SOURCE_END] = p + 1);
}

/** Scans a value where an object, or a list of them, is expected. */
function scanValue(scan: Scan, p: number, shape: Shape): number {
  const first = scan.bytes[p];
  if (first === OPEN_OBJECT) {
    const record = scan.workspace.allocate(shape.size);
    const end = scanObject(scan, p + 1, shape, record);
    scan.a = record;
    scan.b = OBJECT;
    return end;
  }
  if (first === OPEN_LIST) return scanList(scan, p, shape);
  return scanLeaf(scan, p);
}

function scanList(scan: Scan, start: number, shape: Shape | null): number {
  const bytes = scan.bytes;
  const workspace = scan.workspace;
  const base = scan.stackTop;
  let p = skipSpace(bytes, start + 1);
  if (++scan.depth > deepest) failTooDeep();
  if (bytes[p] === CLOSE_LIST) p++;
  else {
    for (;;) {
      p = shape === null ? scanLeaf(scan, p) : scanValue(scan, p, shape);
      if (scan.stackTop + 2 > workspace.stack.length) growStack(scan);
      workspace.stack[scan.stackTop++] = scan.a;
      workspace.stack[scan.stackTop++] = scan.b;
      while (isSpace[bytes[p]!] === 1) p++;
      const next = bytes[p++];
      if (next === CLOSE_LIST) break;
      if (next !== COMMA) fail(scan, p - 1);
      while (isSpace[bytes[p]!] === 1) p++;
    }
  }
  scan.depth--;
  const words = scan.stackTop - base;
  const list = workspace.allocate(1 + words);
  const { tape, stack } = workspace;
  tape[list] = words >> 1;
  for (let i = 0; i < words; i++) tape[list + 1 + i] = stack[base + i]!;
  scan.stackTop = base;
  scan.a = list;
  scan.b = LIST;
  return p;
}

function growStack(scan: Scan): void {
  const grown = new Int32Array(scan.workspace.stack.length * 2);
  grown.set(scan.workspace.stack);
  scan.workspace.stack = grown;
}

/** Scans any value as a leaf. Objects and lists are checked and become a span of bytes. */
function scanLeaf(scan: Scan, p: number): number {
  const bytes = scan.bytes;
  let kind: number;
  let end: number;
  switch (bytes[p]) {
    case QUOTE:
      end = p + 1;
      while (isPlain[bytes[end]!] === 1) end++;
      kind = bytes[end] === QUOTE ? STRING : ESCAPED;
      end = kind === STRING ? end + 1 : scanString(scan, p);
      break;
    case 0x6e: // null
      if (bytes[p + 1] !== 0x75 || bytes[p + 2] !== 0x6c || bytes[p + 3] !== 0x6c) fail(scan, p);
      kind = NULL;
      end = p + 4;
      break;
    case 0x74: // true
      if (bytes[p + 1] !== 0x72 || bytes[p + 2] !== 0x75 || bytes[p + 3] !== 0x65) fail(scan, p);
      kind = TRUE;
      end = p + 4;
      break;
    case 0x66: // false
      if (bytes[p + 1] !== 0x61 || bytes[p + 2] !== 0x6c || bytes[p + 3] !== 0x73 || bytes[p + 4] !== 0x65)
        fail(scan, p);
      kind = FALSE;
      end = p + 5;
      break;
    case OPEN_OBJECT:
    case OPEN_LIST:
      kind = RAW;
      end = scanNested(scan, p);
      break;
    default:
      return scanNumber(scan, p);
  }
  scan.a = p;
  scan.b = lengthBits(end - p) | kind;
  return end;
}

function scanNumber(scan: Scan, start: number): number {
  const { bytes } = scan;
  let p = start;
  if (bytes[p] === MINUS) p++;
  const digits = p;
  if (bytes[p] === ZERO) p++;
  else {
    while (bytes[p]! >= ZERO && bytes[p]! <= NINE) p++;
    if (p === digits) fail(scan, p);
  }
  let kind = p - digits <= 9 ? INT : LONG;
  if (bytes[p] === POINT) {
    kind = FLOAT;
    p = scanDigits(scan, p + 1);
  }
  if ((bytes[p]! | 0x20) === 0x65) {
    kind = FLOAT;
    p++;
    if (bytes[p] === PLUS || bytes[p] === MINUS) p++;
    p = scanDigits(scan, p);
  }
  scan.a = start;
  scan.b = lengthBits(p - start) | kind;
  return p;
}

/** At least one digit. */
function scanDigits(scan: Scan, start: number): number {
  const bytes = scan.bytes;
  let p = start;
  while (bytes[p]! >= ZERO && bytes[p]! <= NINE) p++;
  if (p === start) fail(scan, p);
  return p;
}

/** Scans a string from its opening quotation mark on, escapes included. */
function scanString(scan: Scan, start: number): number {
  const bytes = scan.bytes;
  let p = start + 1;
  for (;;) {
    while (isPlain[bytes[p]!] === 1) p++;
    if (bytes[p] === QUOTE) return p + 1;
    if (bytes[p] !== BACKSLASH) fail(scan, p);
    const escape = bytes[p + 1]!;
    if (escape === 0x75) {
      for (let i = 2; i < 6; i++) if (isHexDigit[bytes[p + i]!] !== 1) fail(scan, p);
      p += 6;
    } else {
      if (isEscape[escape] !== 1) fail(scan, p);
      p += 2;
    }
  }
}

/** Checks an object or list without recursion and returns the position behind it. */
function scanNested(scan: Scan, start: number): number {
  const bytes = scan.bytes;
  // For each container that is open: the byte that closes it.
  const open: number[] = [];
  let p = start;
  value: for (;;) {
    if (bytes[p] === OPEN_OBJECT) {
      if (scan.depth + open.push(CLOSE_OBJECT) > deepest) failTooDeep();
      p = skipSpace(bytes, p + 1);
      if (bytes[p] !== CLOSE_OBJECT) {
        p = scanKey(scan, p);
        continue;
      }
    } else if (bytes[p] === OPEN_LIST) {
      if (scan.depth + open.push(CLOSE_LIST) > deepest) failTooDeep();
      p = skipSpace(bytes, p + 1);
      if (bytes[p] !== CLOSE_LIST) continue;
    } else p = skipSpace(bytes, scanLeaf(scan, p));
    for (;;) {
      const closes = open.at(-1);
      if (bytes[p] === closes) {
        p++;
        open.pop();
        if (open.length === 0) return p;
        p = skipSpace(bytes, p);
      } else {
        if (bytes[p] !== COMMA) fail(scan, p);
        p = skipSpace(bytes, p + 1);
        if (closes === CLOSE_OBJECT) p = scanKey(scan, p);
        continue value;
      }
    }
  }
}

/** Checks a key and its colon; returns where the value begins. */
function scanKey(scan: Scan, start: number): number {
  const bytes = scan.bytes;
  if (bytes[start] !== QUOTE) fail(scan, start);
  const p = skipSpace(bytes, scanString(scan, start));
  if (bytes[p] !== COLON) fail(scan, p);
  return skipSpace(bytes, p + 1);
}

/** The field whose key starts at `p`; -1 if the shape has none. Sets `keyEnd` and `keyIsTight` of `scan`. */
function findKey(scan: Scan, p: number, shape: Shape, expected: number): number {
  const { bytes } = scan;
  if (bytes[p] !== QUOTE) fail(scan, p);
  const end = scanString(scan, p);
  const colon = skipSpace(bytes, end);
  if (bytes[colon] !== COLON) fail(scan, colon);
  scan.keyEnd = colon + 1;
  scan.keyIsTight = false;
  const { keys } = shape;
  if (keys.length > fewKeys || bytes.subarray(p, end).includes(BACKSLASH))
    return shape.indexOf(keyText(scan, p + 1, end - 1));
  for (let i = 0, field = expected; i < keys.length; i++, field++) {
    if (field >= keys.length) field = 0;
    const key = keys[field]!;
    if (key.length !== end - p - 2) continue;
    let k = 0;
    while (k < key.length && bytes[p + 1 + k] === key.charCodeAt(k)) k++;
    if (k < key.length) continue;
    scan.keyIsTight = colon === end;
    return field;
  }
  return -1;
}

/** Objects with more keys than this are looked up in a map. */
const fewKeys = 16;

function keyText(scan: Scan, start: number, end: number): string {
  const text = scan.bytes.toString('utf8', start, end);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** Whether the type name of the shape's last object stands at `start`. */
function isLastType(view: DataView, start: number, { lastTypeWords, lastTypeMask }: Shape): boolean {
  const last = lastTypeWords.length - 1;
  if (last < 0) return false;
  let p = start;
  for (let i = 0; i < last; i++, p += 4) if (view.getInt32(p, true) !== lastTypeWords[i]) return false;
  return (view.getInt32(p, true) & lastTypeMask) === lastTypeWords[last];
}

/** The number of the type that the string at these bytes names. */
function typeOf(scan: Scan, start: number, end: number, shape: Shape): number {
  const type = shape.types.idOf(keyText(scan, start + 1, end - 1));
  if (type > 0) shape.expectType(type);
  return type;
}

function lengthBits(length: number): number {
  if (length > longestLeaf) throw new MalformedJson('it holds a value over 64 MiB');
  return length << LENGTH_SHIFT;
}

function skipSpace(bytes: Buffer, start: number): number {
  let p = start;
  while (isSpace[bytes[p]!] === 1) p++;
  return p;
}

function fail(scan: Scan, p: number): never {
  throw new MalformedJson(
    p >= scan.end ? 'it ends in the middle' : `it is not JSON at byte ${p - scan.start}`,
  );
}

function failTooDeep(): never {
  throw new MalformedJson(`it is nested deeper than ${deepest} levels`);
}

// Checks four bytes at once: the high bits show which are quotation marks, backslashes or control characters.
const ONES = 0x01010101;
const SPACES = 0x20202020;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const HIGH_BITS = -0x7f7f7f80;

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const isSpace = tableOf((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
/** Bytes that need no escape in a string. UTF-8 is checked before, for the whole body. */
const isPlain = tableOf((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH);
const isEscape = tableOf((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));
const isHexDigit = tableOf((byte) => /[0-9a-fA-F]/.test(String.fromCharCode(byte)));

function tableOf(holds: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0));
}
