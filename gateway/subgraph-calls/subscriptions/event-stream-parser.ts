import { KeptBytes } from '../wire/kept-bytes';

export interface EventStreamListener {
  /**
   * @param data the lines of `data`, joined by line feeds; empty where there were none
   * @param id the `id` of this event; undefined where it has none
   */
  onEvent(name: string, data: Buffer, id: string | undefined): void;
  /** @param comment what follows the colon. @default comments are passed over */
  onComment?(comment: Buffer): void;
}

/** An event of an event stream is larger than it may be. */
export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
}

/** Reads an event stream (HTML, section 9.2.6, "Interpreting an event stream") without decoding it. */
export class EventStreamParser {
  readonly #listener: EventStreamListener;
  readonly #most: number;
  /** The beginning of a line whose end has not come. */
  #rest: KeptBytes | undefined;
  /** Bytes of the event so far. */
  #bytes = 0;
  #name = '';
  #id: string | undefined;
  /** Lines so far. However short they are, they cost memory for their bytes only. */
  #data: Buffer | KeptBytes | undefined;
  #isFirstLine = true;
  #endedWithReturn = false;

  /** @param most bytes of one event */
  constructor(most: number, listener: EventStreamListener) {
    this.#most = most;
    this.#listener = listener;
  }

  /** @throws {EventTooLarge} */
  push(piece: Buffer): void {
    let start = 0;
    // A line feed after the carriage return that the last piece ended with.
    if (this.#endedWithReturn && piece[0] === LINE_FEED) start = 1;
    if (piece.length > 0) this.#endedWithReturn = false;
    let nextLineFeed = -1;
    while (start < piece.length) {
      // Kept for the lines before it, as a stream may end its lines with carriage returns only.
      if (nextLineFeed < start) nextLineFeed = positionOf(LINE_FEED, piece, start, piece.length);
      const end = positionOf(RETURN, piece, start, nextLineFeed);
      const hasEnd = end < piece.length;
      const part = piece.subarray(start, end);
      this.#bytes += part.length;
      if (this.#bytes > this.#most) throw new EventTooLarge('An event of the stream is too large.');
      if (this.#rest !== undefined) this.#rest.append(part);
      else if (!hasEnd) this.#rest = new KeptBytes(part, 0);
      if (!hasEnd) return;
      this.#line(this.#rest?.bytes ?? part);
      this.#rest = undefined;
      start = end + 1;
      if (piece[end] === RETURN) {
        if (start === piece.length) this.#endedWithReturn = true;
        else if (piece[start] === LINE_FEED) start++;
      }
    }
  }

  #line(line: Buffer): void {
    if (this.#isFirstLine) {
      this.#isFirstLine = false;
      if (line.subarray(0, 3).equals(byteOrderMark)) line = line.subarray(3);
    }
    if (line.length === 0) {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(COLON);
    if (colon === 0) {
      // A comment is no part of an event.
      this.#bytes -= line.length;
      this.#listener.onComment?.(line.subarray(1));
      return;
    }
    const field = line.toString('latin1', 0, colon === -1 ? line.length : colon);
    const value = colon === -1 ? nothing : line.subarray(line[colon + 1] === SPACE ? colon + 2 : colon + 1);
    if (field === 'event') this.#name = value.toString();
    else if (field === 'data') this.#addData(value);
    else if (field === 'id') this.#id = value.toString();
  }

  #addData(line: Buffer): void {
    // The line feed between them.
    this.#bytes++;
    if (this.#data === undefined) {
      this.#data = line;
      return;
    }
    if (Buffer.isBuffer(this.#data)) this.#data = new KeptBytes(this.#data, 0);
    this.#data.append(lineFeed);
    this.#data.append(line);
  }

  #dispatch(): void {
    const [name, data, id] = [this.#name, this.#data, this.#id];
    this.#name = '';
    this.#id = undefined;
    this.#data = undefined;
    this.#bytes = 0;
    if (name === '' && data === undefined && id === undefined) return;
    const bytes = data === undefined ? nothing : Buffer.isBuffer(data) ? data : data.bytes;
    this.#listener.onEvent(name, bytes, id);
  }
}

/** Of the first such byte from `start` on; `end` where there is none before it. */
function positionOf(byte: number, bytes: Buffer, start: number, end: number): number {
  const found = bytes.subarray(start, end).indexOf(byte);
  return found === -1 ? end : start + found;
}

const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const lineFeed = Buffer.from('\n');
const nothing = Buffer.alloc(0);
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
