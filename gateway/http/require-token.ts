import { createHash, timingSafeEqual } from 'node:crypto';
import type { onRequestHookHandler } from 'fastify';
import { requestError } from '../errors';
import { sendError } from './send-error';

/** Refuses requests without this bearer token (RFC 6750, section 2.1). */
export function requireToken(token: string): onRequestHookHandler {
  const expected = digest(token);
  return (request, reply, done) => {
    // The scheme is case-insensitive (RFC 9110, section 11.1).
    const { authorization = '' } = request.headers;
    const [scheme] = /^bearer +/i.exec(authorization) ?? [];
    // Digests have the same length, and the comparison takes constant time.
    if (scheme !== undefined && timingSafeEqual(digest(authorization.slice(scheme.length)), expected)) {
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
