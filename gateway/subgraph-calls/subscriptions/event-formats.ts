import type { MIMEType } from 'node:util';
import { EventStreamParser, EventTooLarge } from './event-stream-parser';
import { JsonParts } from '../wire/json-parts';
import { KeptBytes } from '../wire/kept-bytes';

/** How a response has events. */
export interface EventFormat {
  /** The media type to ask for. */
  readonly accept: string;
  /** Of a response that has events. @default undefined: none has */
  readonly events?: {
    /** Its media type. */
    readonly essence: string;
    /**
     * @param most bytes of the largest event
     * @throws {SyntaxError} for a response that cannot be read
     */
    parser(type: MIMEType, most: number, listener: EventListener): EventParser;
  };
}

export interface EventParser {
  push(piece: Buffer): void;
}

/** Called with what a response has, in order. */
export interface EventListener {
  /** @param body a GraphQL response */
  onEvent(body: Buffer): void;
  /** The subgraph ends the subscription before its time. @param errors a JSON list */
  onFailure(errors: Buffer): void;
  /** The last part has come. */
  onComplete(): void;
}

export const eventStreamFormat: EventFormat = {
  accept: 'text/event-stream',
  events: {
    essence: 'text/event-stream',
    parser: (_type, most, listener) =>
      new EventStreamParser(most, {
        onEvent: (name, data) => {
          if (name === 'next') listener.onEvent(data);
          else if (name === 'complete') listener.onComplete();
        },
      }),
  },
};

/** Beside parts, JSON: what is refused is answered so. */
export const multipartFormat: EventFormat = {
  accept:
    'multipart/mixed;boundary="graphql";subscriptionSpec=1.0, application/graphql-response+json, application/json;q=0.9',
  events: {
    essence: 'multipart/mixed',
    parser: ({ params }, most, listener) => {
      const boundary = params.get('boundary');
      if (boundary === null || boundary === '') throw new SyntaxError('The response has no boundary.');
      return new MultipartParser(boundary, most, listener);
    },
  },
};

/**
 * Reads the parts (RFC 2046, section 5.1.1) of Apollo's "Multipart HTTP protocol for GraphQL subscriptions". A part is read
 * when the delimiter after it has come, which servers send with the part.
 */
export class MultipartParser {
  readonly #delimiter: Buffer;
  readonly #most: number;
  readonly #listener: EventListener;
  /** What follows the last delimiter. The first one may begin the body, without the line break that belongs to it. */
  #rest = new KeptBytes(lineBreak, 0);
  /** How much of it is known to have no delimiter. */
  #searched = 0;
  #state: 'preamble' | 'parts' | 'ended' = 'preamble';

  /** @param most bytes of one event */
  constructor(boundary: string, most: number, listener: EventListener) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    // Beside the event, the part has headers and `{"payload":…}`.
    this.#most = most + 1024;
    this.#listener = listener;
  }

  /** @throws {EventTooLarge} @throws {SyntaxError} when a part is no part of the protocol */
  push(piece: Buffer): void {
    if (this.#state === 'ended') return;
    this.#rest.append(piece);
    const { bytes } = this.#rest;
    let start = 0;
    for (;;) {
      if (this.#state === 'parts' && isEnd(bytes, start)) {
        this.#state = 'ended';
        this.#listener.onComplete();
        return;
      }
      const end = bytes.indexOf(this.#delimiter, Math.max(start, this.#searched));
      const length = (end === -1 ? bytes.length : end) - start;
      if (length > this.#most) throw new EventTooLarge('A part of the response is too large.');
      if (end === -1) break;
      if (this.#state === 'parts') this.#read(bytes.subarray(start, end));
      this.#state = 'parts';
      start = end + this.#delimiter.length;
    }
    // A delimiter may have come in part.
    this.#searched = Math.max(0, bytes.length - start - this.#delimiter.length);
    if (start > 0) this.#rest = new KeptBytes(bytes.subarray(start), 0);
  }

  #read(part: Buffer): void {
    const head = part.indexOf(headEnd);
    if (head === -1) throw new SyntaxError('A part has no end of its headers.');
    const members = new Map<string, Buffer>();
    const parts = new JsonParts(part.subarray(head + headEnd.length));
    parts.object((name) => void members.set(name, parts.value()));
    parts.end();
    // A heartbeat.
    if (members.size === 0) return;
    const [payload, errors] = [members.get('payload'), members.get('errors')];
    if (payload !== undefined && !isNull(payload)) this.#listener.onEvent(payload);
    else if (errors !== undefined && !isNull(errors)) this.#listener.onFailure(errors);
    // With a payload of null alone nothing has failed: the end follows.
    else if (payload === undefined) throw new SyntaxError('A part has no payload.');
  }
}

const isEnd = (bytes: Buffer, at: number): boolean => bytes[at] === DASH && bytes[at + 1] === DASH;
const isNull = (json: Buffer): boolean => json.toString('latin1', 0, 4) === 'null';

const DASH = 0x2d;
const lineBreak = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');
