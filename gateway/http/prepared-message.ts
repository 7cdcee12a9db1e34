/**
 * The bytes of a response, serialised once and sent many times. Each time only the first lines are rewritten, and once a
 * second the date.
 */
export class PreparedMessage {
  readonly #end: MessageEnd;
  readonly #ageDigits: number;
  readonly #dateAt: number;
  #age: number;
  #second: number;

  /**
   * @param headers those that are always the same, names and values in turn
   * @param age seconds
   * @param now Unix milliseconds
   */
  constructor(headers: readonly string[], body: Buffer, age: number, now: number) {
    const ageText = String(age);
    let head = '';
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    const dated = `${head}date: `;
    const aged = `${dated}${new Date(now).toUTCString()}\r\nage: ${ageText}\r\n\r\n`;
    this.#end = new MessageEnd([Buffer.from(aged, 'latin1'), body]);
    this.#dateAt = dated.length;
    this.#ageDigits = ageText.length;
    this.#age = age;
    this.#second = Math.floor(now / 1000);
  }

  get size(): number {
    return this.#end.size;
  }

  /**
   * The whole message, to be sent before this is called again; undefined when there is no room for `first`, or the age
   * has outgrown its buffer.
   *
   * @param first status line and headers that are of this time only, each with its line's end, in latin1
   * @param age seconds
   * @param now Unix milliseconds
   */
  write(first: string, age: number, now: number): Buffer | undefined {
    const second = Math.floor(now / 1000);
    if (second !== this.#second || age !== this.#age) {
      const text = `${new Date(now).toUTCString()}\r\nage: ${age}`;
      if (text.length !== fixedLength + this.#ageDigits) return undefined;
      this.#end.rewrite(text, this.#dateAt);
      this.#age = age;
      this.#second = second;
    }
    return this.#end.after(first);
  }
}

/** What many messages end with. Each is written in the same memory, in front of it. */
export class MessageEnd {
  readonly #bytes: Buffer;

  constructor(parts: readonly Buffer[]) {
    this.#bytes = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, room));
    let at = room;
    for (const part of parts) at += part.copy(this.#bytes, at);
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#bytes.length;
  }

  get length(): number {
    return this.#bytes.length - room;
  }

  /** The whole message, to be sent before this is called again. Undefined when there is no room for `first`. @param first in latin1 */
  after(first: string): Buffer | undefined {
    if (first.length > room) return undefined;
    const start = room - first.length;
    this.#bytes.write(first, start, 'latin1');
    return this.#bytes.subarray(start);
  }

  /** Replaces as many bytes as a text has. @param text in latin1 @param at of the end */
  rewrite(text: string, at: number): void {
    this.#bytes.write(text, room + at, 'latin1');
  }
}

/** Bytes for the first lines: with a request id and a trace they take 150. */
const room = 1024;
/** Of a date, and what stands between it and the age. */
const fixedLength = 'Sun, 06 Nov 1994 08:49:37 GMT\r\nage: '.length;
