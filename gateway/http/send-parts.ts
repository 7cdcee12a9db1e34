import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { Part, Parts } from '../request/sink';
import type { Framing } from './framing';
import { holdOpen } from './hold-open';

export type Response = ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>;

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
  response: Response,
  parts: Parts,
  framing: Framing,
  { heartbeat, idle }: SendPartsOptions,
): Promise<void> {
  const letGo = holdOpen(response, idle);
  let isQuiet = false;
  const timer = setInterval(() => {
    if (isBlocked(response)) {
      response.req.socket.destroy();
      return;
    }
    if (isQuiet && framing.heartbeat !== undefined && response.writableLength === 0)
      response.write(framing.heartbeat);
    isQuiet = true;
  }, heartbeat).unref();
  try {
    response.write(framing.opening);
    let ending = undefined as Part['ending'];
    await parts.forEach((part) => {
      isQuiet = false;
      ({ ending } = part);
      return response.write(framing.frame(part)) ? undefined : room(response, idle);
    });
    response.end(framing.end(ending));
  } catch {
    cutOff(response);
  } finally {
    clearInterval(timer);
    letGo();
  }
}

/**
 * Whether Node reads no more from a connection of HTTP/1.1, as answers to requests that came behind this one fill it. They may
 * never be sent, and the client could leave unseen.
 */
const isBlocked = ({ stream, req }: Response): boolean => stream === undefined && req.socket.isPaused();

/** Resolves when there is room for more, or the client has left, as it has when it takes nothing for `idle` milliseconds. */
function room(response: Response, idle: number): Promise<void> {
  if (response.destroyed || response.stream?.destroyed === true) return Promise.resolve();
  return new Promise((resolve) => {
    const goOn = (): void => {
      clearTimeout(timer);
      response.off('drain', goOn).off('close', goOn);
      resolve();
    };
    const timer = setTimeout(() => {
      if (response.stream === undefined) response.destroy();
      else {
        response.stream.close(constants.NGHTTP2_CANCEL);
        response.stream.destroy();
      }
    }, idle);
    response.on('drain', goOn).on('close', goOn);
  });
}

/** Cuts a client off when it has been sent what was written, so that nobody takes that for the end. */
function cutOff(response: Response): void {
  const { stream } = response;
  if (stream === undefined) response.req.socket.destroySoon();
  else stream.write(nothing, () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
}

const nothing = Buffer.alloc(0);
