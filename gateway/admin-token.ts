import { createHash, timingSafeEqual } from 'node:crypto';
import type { onRequestHookHandler } from 'fastify';
import { requestError } from './errors';
import { sendError } from './http-errors';

/** Refuses who does not send this bearer token (RFC 6750, section 2.1). */
export function requireToken(token: string): onRequestHookHandler {
  const expected = digest(`Bearer ${token}`);
  return (request, reply, done) => {
    // Digests have one length, and tell nothing by the time that they take to compare.
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) {
      done();
      return;
    }
    const reason = 'The request does not have the token of `admin.token`.';
    void sendError(
      reply,
      requestError('UNAUTHENTICATED', { reason }, { headers: { 'www-authenticate': 'Bearer' } }),
    );
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
