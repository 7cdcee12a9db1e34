import type { EventsProtocol, ResponsePart } from '../request/sink';

/**
 * Why an answer in parts ends: with its last part; or `timeout`: its connection may last no longer, nothing has failed, and
 * the client may come back at once.
 */
export type Ending = ResponsePart['ending'] | 'timeout';

/** How the parts of an answer are written over HTTP. */
export interface Framing {
  readonly protocol: Extract<EventsProtocol, 'sse' | 'multipart'>;
  /** The `Content-Type` of the answer. */
  readonly mediaType: string;
  /** What is sent before there is a part. */
  readonly opening: Buffer;
  /** A part, so that its client has all of it at once. */
  frame(part: ResponsePart): Buffer;
  /** What is sent after the last part. */
  end(ending: Ending): Buffer;
  /** What is sent while there is no part, and has no content; undefined if nothing can be. */
  readonly heartbeat: Buffer | undefined;
}

/** Frames each event once for all its readers, which are given the same bytes. */
export function framedOnce(frame: Framing['frame']): Framing['frame'] {
  const framed = new WeakMap<Buffer, { readonly cursor: string | undefined; readonly bytes: Buffer }>();
  return (part) => {
    const { body, cursor, ending } = part;
    if (ending !== undefined) return frame(part);
    const known = framed.get(body);
    if (known !== undefined && known.cursor === cursor) return known.bytes;
    const bytes = frame(part);
    framed.set(body, { cursor, bytes });
    return bytes;
  };
}

/** Bytes as a chunk of HTTP/1.1. The last one is kept: mostly the next client is sent the same. */
export function chunkOf(bytes: Buffer): Buffer {
  if (lastChunk?.bytes !== bytes) {
    const head = Buffer.from(`${bytes.length.toString(16)}\r\n`);
    lastChunk = { bytes, chunk: Buffer.concat([head, bytes, lineBreak]) };
  }
  return lastChunk.chunk;
}

/** Bytes. Chunks of longer ones would be copies that clients who do not read keep in memory. */
export const longestChunk = 16 * 1024;

let lastChunk: { readonly bytes: Buffer; readonly chunk: Buffer } | undefined;
const lineBreak = Buffer.from('\r\n');

/** JSON without line breaks, which end lines and parts. In valid JSON they stand only between tokens. */
export function withoutLineBreaks(json: Buffer): Buffer {
  if (!json.includes(lineFeed) && !json.includes(carriageReturn)) return json;
  return Buffer.from(json.map((byte) => (byte === lineFeed || byte === carriageReturn ? space : byte)));
}

const [lineFeed, carriageReturn, space] = [0x0a, 0x0d, 0x20];
