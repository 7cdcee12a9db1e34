import type { TransportFailure } from '../transport';
import { allocate } from './allocate';
import { ChunkedBody } from './chunked-body';
import { KeptBytes } from '../kept-bytes';

/** What came of some bytes: more are needed, the response is complete, or it is none. */
export type Progress = 'more' | 'complete' | TransportFailure;

/**
 * Reads one HTTP/1.1 response (RFC 9112) from the bytes of a connection.
 *
 * It is strict where being lenient would let two parties see different messages: a length that is given twice, or
 * beside chunks, line ends that are none, and folded headers are refused.
 */
export class ResponseParser {
  status = 0;
  headers: Record<string, string | string[] | undefined> = {};
  /** The body as it was sent, once the response is complete. */
  body: Buffer = empty;
  /** Whether the connection may be used again. */
  reusable = false;
  /** Whether any byte of the response has come. */
  started = false;
  readonly #maxBodySize: number;
  /** The beginning of a head that has not come whole. */
  #keptHead: KeptBytes | undefined;
  #framing: Framing = { kind: 'head' };

  constructor(maxBodySize: number) {
    this.#maxBodySize = maxBodySize;
  }

  /** Takes bytes that are only lent: what is needed of them later is copied. */
  push(bytes: Buffer): Progress {
    this.started = true;
    switch (this.#framing.kind) {
      case 'head':
        return this.#pushHead(bytes);
      case 'length':
        return this.#pushLength(this.#framing, bytes);
      case 'chunks':
        return this.#pushChunks(this.#framing.body, bytes);
      case 'until-close':
        return this.#pushUntilClose(this.#framing.body, bytes);
      case 'complete':
        this.reusable = false;
        return 'complete';
    }
  }

  /** The connection has ended. */
  end(): Progress {
    if (this.#framing.kind === 'complete') return 'complete';
    if (this.#framing.kind !== 'until-close') return 'reset';
    return this.#complete(this.#framing.body.bytes, 0);
  }

  #pushHead(bytes: Buffer): Progress {
    const seen = this.#keptHead?.length ?? 0;
    const head = this.#keptHead?.append(bytes) ?? bytes;
    const end = head.indexOf('\r\n\r\n', Math.max(0, seen - 3));
    if (end < 0) {
      if (head.length > maxHeadSize) return 'too-large';
      if (!startsLikeHttp(head)) return 'not-http';
      if (this.#keptHead === undefined) {
        this.#keptHead = new KeptBytes();
        this.#keptHead.append(bytes);
      }
      return 'more';
    }
    if (end > maxHeadSize) return 'too-large';
    this.#keptHead = undefined;
    if (!this.#readHead(head.toString('latin1', 0, end))) return 'not-http';
    const rest = head.subarray(end + 4);
    if (this.status >= 200) return this.#startBody(rest);
    // An informational response goes before the real one. Nobody asked to switch protocols.
    if (this.status === 101) return 'not-http';
    return rest.length === 0 ? 'more' : this.#pushHead(rest);
  }

  #readHead(head: string): boolean {
    const match = wholeHead.exec(head);
    if (match === null) return false;
    this.status = Number(match[2]);
    this.headers = {};
    for (let end = head.indexOf('\r\n'); end >= 0;) {
      const start = end + 2;
      end = head.indexOf('\r\n', start);
      const colon = head.indexOf(':', start);
      this.#setHeader(
        head.slice(start, colon).toLowerCase(),
        (end < 0 ? head.slice(colon + 1) : head.slice(colon + 1, end)).trim(),
      );
    }
    const { connection } = this.headers;
    this.reusable = match[1] === '1' && (connection === undefined || !/close/i.test(String(connection)));
    return true;
  }

  #setHeader(name: string, value: string): void {
    const known = this.headers[name];
    if (name === 'set-cookie') this.headers[name] = Array.isArray(known) ? [...known, value] : [value];
    else this.headers[name] = typeof known === 'string' ? `${known}, ${value}` : value;
  }

  #startBody(rest: Buffer): Progress {
    const { 'content-length': length, 'transfer-encoding': coding } = this.headers;
    if (this.status === 204 || this.status === 304) return this.#complete(empty, rest.length);
    if (coding !== undefined) {
      if (length !== undefined || String(coding).toLowerCase() !== 'chunked') return 'not-http';
      const body = new ChunkedBody(this.#maxBodySize);
      this.#framing = { kind: 'chunks', body };
      return this.#pushChunks(body, rest);
    }
    if (length !== undefined) {
      if (!/^\d{1,15}$/.test(String(length))) return 'not-http';
      const size = Number(length);
      if (size > this.#maxBodySize) return 'too-large';
      const framing = { kind: 'length', body: allocate(size), filled: 0 } as const;
      this.#framing = framing;
      return this.#pushLength(framing, rest);
    }
    this.reusable = false;
    const body = new KeptBytes();
    this.#framing = { kind: 'until-close', body };
    return this.#pushUntilClose(body, rest);
  }

  #pushLength(framing: Extract<Framing, { kind: 'length' }>, bytes: Buffer): Progress {
    const copied = bytes.copy(framing.body, framing.filled);
    framing.filled += copied;
    if (framing.filled < framing.body.length) return 'more';
    return this.#complete(framing.body, bytes.length - copied);
  }

  #pushChunks(body: ChunkedBody, bytes: Buffer): Progress {
    const progress = body.push(bytes);
    return progress === 'complete' ? this.#complete(body.bytes, body.excess) : progress;
  }

  /** Bytes that nobody asked for must not be taken for the next response. */
  #complete(body: Buffer, excess: number): Progress {
    this.body = body;
    this.#framing = { kind: 'complete' };
    if (excess > 0) this.reusable = false;
    return 'complete';
  }

  #pushUntilClose(body: KeptBytes, bytes: Buffer): Progress {
    return body.append(bytes).length > this.#maxBodySize ? 'too-large' : 'more';
  }
}

/** How the end of what is being read is found. */
type Framing =
  | { readonly kind: 'head' }
  | { readonly kind: 'length'; readonly body: Buffer; filled: number }
  | { readonly kind: 'chunks'; readonly body: ChunkedBody }
  | { readonly kind: 'until-close'; readonly body: KeptBytes }
  | { readonly kind: 'complete' };

const empty: Buffer = Buffer.alloc(0);
/** A status line, and headers of a name that is a token and a value without line ends. */
const wholeHead =
  /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\0\r\n]*)?(?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\0\r\n]*)*$/;
const maxHeadSize = 16 * 1024;

function startsLikeHttp(head: Buffer): boolean {
  const start = 'HTTP/1.';
  const text = head.toString('latin1', 0, start.length);
  return start.startsWith(text);
}
