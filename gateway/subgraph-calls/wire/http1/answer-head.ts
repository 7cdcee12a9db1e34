import type { MisreadReason } from './refusals';

/** A position that stands for none: the head has not come as a whole. */
export const incomplete = -1;

/** The most bytes of a head, with the empty line at its end. */
export const maxHead = 16 * 1024;

/**
 * The head of a response in HTTP/1.1 (RFC 9112), strictly: what is only tolerated there, and what two readers might read
 * in two ways, is refused. It has either one `Content-Length` or the one transfer coding `chunked`.
 *
 * Heads of one subgraph repeat line by line, so each line is compared with the line that stood there last, and read only
 * if it differs.
 */
export class AnswerHead {
  status = 0;
  headers: Record<string, string | string[] | undefined> = {};
  /** Bytes of the body; -1 if it comes in chunks. */
  length = -1;
  /** Whether the connection is for further calls, too. */
  isReusable = true;
  /** How long the subgraph keeps the connection open, in milliseconds; Infinity if it does not say. */
  keepAlive = Infinity;
  readonly #known: KnownLines;

  constructor(known: KnownLines) {
    this.#known = known;
  }

  /** Returns the position behind the head, `incomplete`, or why the head is refused. */
  read(bytes: Buffer, size: number): number | MisreadReason {
    const known = this.#known;
    let isChunked = false;
    let at = 0;
    this.headers = {};
    this.length = -1;
    this.isReusable = true;
    this.keepAlive = Infinity;
    for (let index = 0; index === 0 || bytes[at] !== CR; index++) {
      let line = known[index];
      if (line === undefined || !isAt(bytes, at, size, line.bytes)) {
        const end = endOfLine(bytes, at, size);
        if (end === incomplete) return incomplete;
        if (end === malformed) return index === 0 ? 'status-line' : 'header';
        const read = index === 0 ? readStatus(bytes, at, end) : readField(bytes, at, end);
        if (typeof read === 'string') return read;
        line = read;
        if (index < mostKnown && line.bytes.length <= longestKnown) known[index] = line;
      }
      at += line.bytes.length;
      switch (line.means) {
        case 'status':
          this.status = line.value;
          continue;
        case 'length':
          if (this.length >= 0) return 'framing';
          this.length = line.value;
          break;
        case 'chunked':
          if (isChunked) return 'framing';
          isChunked = true;
          break;
        case 'close':
          this.isReusable = false;
          break;
        case 'keep-alive':
          this.keepAlive = line.value;
          break;
        case 'nothing':
      }
      this.#add(line.name, line.text);
      if (at >= size) return incomplete;
    }
    if (at + 1 >= size) return incomplete;
    if (bytes[at + 1] !== LF) return 'header';
    if (isChunked && this.length >= 0) return 'framing';
    if (!isChunked && this.length < 0) return 'unframed';
    if (at + 2 > maxHead) return 'header-size';
    return at + 2;
  }

  #add(name: string, text: string): void {
    const before = this.headers[name];
    if (before === undefined) this.headers[name] = text;
    else if (name !== 'set-cookie') this.headers[name] = `${before as string}, ${text}`;
    else if (typeof before === 'string') this.headers[name] = [before, text];
    else before.push(text);
  }
}

/** The lines of the last head of a subgraph. Filled by `AnswerHead`. */
export type KnownLines = HeadLine[];

interface HeadLine {
  /** With its end. */
  readonly bytes: Buffer;
  readonly means: 'status' | 'length' | 'chunked' | 'close' | 'keep-alive' | 'nothing';
  /** The status, the bytes of the body, or milliseconds. */
  readonly value: number;
  /** Of a header, in lower case. */
  readonly name: string;
  readonly text: string;
}

/** So many lines are kept, and none that is longer: a head may have thousands. */
const mostKnown = 32;
const longestKnown = 256;

/** A position that stands for none: the line has no end that is allowed. */
const malformed = -2;

const CR = 13;
const LF = 10;
const HTAB = 9;
const SP = 32;
const DEL = 127;

function isAt(bytes: Buffer, at: number, size: number, line: Buffer): boolean {
  const { length } = line;
  if (size - at < length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== line[i]) return false;
  return true;
}

/**
 * The position of the CR LF that ends a line, `incomplete` or `malformed`. Other control characters than tabs are refused,
 * and so are CR and LF alone.
 */
function endOfLine(bytes: Buffer, at: number, size: number): number {
  for (let i = at; i < size; i++) {
    const byte = bytes[i]!;
    if (byte === CR) {
      if (i + 1 >= size) return incomplete;
      return bytes[i + 1] === LF ? i : malformed;
    }
    if ((byte < SP && byte !== HTAB) || byte === DEL) return malformed;
  }
  return incomplete;
}

/** A final status. Statuses whose responses never have a body are refused. */
function readStatus(bytes: Buffer, at: number, end: number): HeadLine | MisreadReason {
  const status = /^HTTP\/1\.1 ([1-5]\d\d) /.exec(bytes.toString('latin1', at, Math.min(end, at + 13)))?.[1];
  if (status === undefined) return 'status-line';
  if (status.startsWith('1')) return 'informational';
  if (withoutBody.has(status)) return 'bodiless';
  return { bytes: copy(bytes, at, end), means: 'status', value: Number(status), name: '', text: '' };
}

const withoutBody = new Set(['204', '205', '304']);

function readField(bytes: Buffer, at: number, end: number): HeadLine | MisreadReason {
  const field = bytes.toString('latin1', at, end);
  const name = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):/.exec(field)?.[1]?.toLowerCase();
  // Plain objects have the names of Object.prototype already.
  if (name === undefined || name in Object.prototype) return 'header';
  const text = trimmed(field, name.length + 1);
  // What frames a message has nothing around it but the usual space: parsers differ in what else they skip.
  if (
    framing.has(name) &&
    field.length > name.length + 1 + text.length &&
    field !== `${field.slice(0, name.length)}: ${text}`
  )
    return 'framing';
  const lower = text.toLowerCase();
  const line = { bytes: copy(bytes, at, end), means: 'nothing', value: 0, name, text } as const;
  switch (name) {
    case 'content-length':
      return /^\d{1,15}$/.test(text) ? { ...line, means: 'length', value: Number(text) } : 'framing';
    case 'transfer-encoding':
      return lower === 'chunked' ? { ...line, means: 'chunked' } : 'framing';
    case 'connection':
      if (lower === 'close') return { ...line, means: 'close' };
      if (lower === 'keep-alive') return line;
      return lower.includes('upgrade') ? 'upgrade' : 'connection';
    case 'keep-alive': {
      const seconds = /^timeout=(\d{1,9})(?:$|[ ,])/.exec(lower)?.[1];
      return seconds === undefined ? line : { ...line, means: 'keep-alive', value: Number(seconds) * 1000 };
    }
    case 'upgrade':
      return 'upgrade';
    case 'trailer':
      return 'trailers';
    default:
      return line;
  }
}

const framing = new Set(['content-length', 'transfer-encoding', 'connection']);

/** Without the spaces and tabs around it: other white space is a part of a value. */
function trimmed(field: string, from: number): string {
  let first = from;
  let last = field.length;
  while (first < last && isBlank(field.charCodeAt(first))) first++;
  while (last > first && isBlank(field.charCodeAt(last - 1))) last--;
  return field.slice(first, last);
}

const isBlank = (code: number): boolean => code === SP || code === HTAB;

/** The line with its end. */
const copy = (bytes: Buffer, at: number, end: number): Buffer => Buffer.from(bytes.subarray(at, end + 2));
