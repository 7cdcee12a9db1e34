import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse, Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { ResponseParts } from '../request/sink';
import { chunkOf, type Framing, longestChunk } from './framing';
import { http2Codes } from './http2-codes';
import { room } from './room';
import { WholeResponse } from './whole-messages';
import { type PartsStream, writeParts } from './write-parts';

export type PartsResponse = ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>;

/** Milliseconds without a part after which a heartbeat is sent: proxies cut connections that are quiet for 30 s or longer. */
export const partsHeartbeat = 5000;

export interface SendPartsOptions {
  /** Milliseconds without a part after which a heartbeat is sent. */
  readonly heartbeat: number;
  /** Milliseconds after which a client is cut off that takes nothing of what it is sent. */
  readonly idle: number;
}

/**
 * Sends the body of an answer in parts, each when the client has taken most of those before it. The connection stays open
 * for as long as the client takes what there is, however long there is none.
 */
export async function sendParts(
  response: PartsResponse,
  parts: ResponseParts,
  framing: Framing,
  { heartbeat, idle }: SendPartsOptions,
): Promise<void> {
  const letGo = holdOpen(response, idle);
  await writeParts(new HttpPartsStream(response, idle), parts, framing, heartbeat);
  letGo();
}

class HttpPartsStream implements PartsStream {
  readonly #response: PartsResponse;
  readonly #idle: number;
  /** What was written to last: its `drain` says when there is room. Undefined before the head is sent. */
  #written: PartsResponse | Socket | undefined;

  constructor(response: PartsResponse, idle: number) {
    this.#response = response;
    this.#idle = idle;
  }

  write(bytes: Buffer): boolean {
    const response = this.#response;
    const isBegun = this.#written !== undefined;
    if (
      isBegun &&
      bytes.length <= longestChunk &&
      response instanceof WholeResponse &&
      response.takesChunks
    ) {
      this.#written = response.socket!;
      return response.sendChunks(chunkOf(bytes));
    }
    this.#written = response;
    return response.write(bytes);
  }

  async room(): Promise<void> {
    const response = this.#response;
    if (response.stream?.destroyed === true) return;
    await room(this.#written ?? response, this.#idle, () => {
      if (response.stream === undefined) response.destroy();
      else {
        response.stream.close(http2Codes.cancel);
        response.stream.destroy();
      }
    });
  }

  end(bytes: Buffer): void {
    this.#response.end(bytes);
  }

  /** Its client has been sent before what was written. */
  cutOff(): void {
    const { stream, req } = this.#response;
    if (stream === undefined) req.socket.destroySoon();
    else stream.write(nothing, () => stream.close(http2Codes.internalError));
  }

  beat(heartbeat: Buffer | undefined): void {
    const response = this.#response;
    if (isBlocked(response)) response.req.socket.destroy();
    else if (heartbeat !== undefined && response.writableLength === 0) response.write(heartbeat);
  }
}

/**
 * Whether Node reads no more from a connection of HTTP/1.1, as answers to requests that came behind this one fill it. They may
 * never be sent, and the client could leave unseen.
 */
const isBlocked = ({ stream, req }: PartsResponse): boolean => stream === undefined && req.socket.isPaused();

const nothing = Buffer.alloc(0);

/** Streams of a session for which it is held open. */
const held = new WeakMap<Http2Session, number>();

/**
 * Keeps a connection open on which nothing moves, until the returned function is called.
 *
 * @param idle milliseconds after which it is closed otherwise
 */
export function holdOpen({ stream, req }: PartsResponse, idle: number): () => void {
  if (stream === undefined) {
    // Node sets it anew with the next request of the connection.
    req.socket.setTimeout(0);
    return () => undefined;
  }
  const { session } = stream;
  if (session === undefined) return () => undefined;
  held.set(session, (held.get(session) ?? 0) + 1);
  session.setTimeout(0);
  return () => {
    const left = held.get(session)! - 1;
    held.set(session, left);
    if (left === 0 && !session.destroyed) session.setTimeout(idle);
  };
}
