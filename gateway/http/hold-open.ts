import type { Http2Session } from 'node:http2';
import type { PartsResponse } from './send-parts';

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
