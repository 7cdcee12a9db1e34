import type { ServerHttp2Stream } from 'node:http2';
import { http2Codes } from './http2-codes';

/**
 * Has a client send no more of a request that was answered. The answer is written, but a stream that is reset before the frame
 * with END_STREAM is sent has no whole answer (RFC 9113, section 8.1): Node says that all is written before it sends that.
 */
export function resetAnswered(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return;
  if (stream.state.localClose === 1) stream.close(http2Codes.noError);
  else setTimeout(resetAnswered, lookAfter, stream).unref();
}

/** Milliseconds. */
const lookAfter = 5;
