import { constants, type ServerHttp2Session } from 'node:http2';

/**
 * Closes a connection of HTTP/2 of which too many streams end without their answers: to open and to reset one costs a
 * client a few bytes, and no bound of concurrent streams stops it (CVE-2023-44487). What the client has sent besides is
 * not looked at any more.
 */
export function limitStreamResets(session: ServerHttp2Session): void {
  let left = mostAtOnce;
  let countedAt = performance.now();
  session.on('stream', (stream) =>
    stream.once('close', () => {
      if (session.destroyed || (!stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR)) return;
      const now = performance.now();
      left = Math.min(mostAtOnce, left + ((now - countedAt) / 1000) * mostInSecond) - 1;
      countedAt = now;
      if (left < 0) session.destroy();
    }),
  );
}

/** Twice as many as there may be at once: a page that is left resets all of its own. */
const mostAtOnce = 200;
const mostInSecond = 33;
