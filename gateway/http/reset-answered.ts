import type { ServerHttp2Stream } from 'node:http2';
import { http2Codes } from './http2-codes';

/**
 * Resets the stream of a request that was answered before its body has come, so that the client sends no more of it.
 *
 * Waits until the frame with END_STREAM is sent, as an answer that is reset before is not complete (RFC 9113, section 8.1).
 * Node reports that all is written before that, and no event follows. A client that does not read is reset after 5 s.
 */
export function resetAnswered(stream: ServerHttp2Stream, pause = shortestPause): void {
  if (stream.destroyed) return;
  if (stream.state.localClose === 1 || pause > longestPause) stream.close(http2Codes.noError);
  else setTimeout(resetAnswered, pause, stream, 2 * pause).unref();
}

/** Milliseconds. Each pause is twice the one before. */
const [shortestPause, longestPause] = [5, 2560];
