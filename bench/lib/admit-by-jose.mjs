/** What `jose` and a map do for a request: its token is checked, its identity counted, and a line of JSON logged. */
import { createLocalJWKSet, jwtVerify } from 'jose';

/** @param jwt `jwks`, and what must be in a token: `issuer` and `audience` */
export function admitByJose({ jwks, ...expected }) {
  const keys = createLocalJWKSet(jwks);
  const counts = new Map();
  return async (authorization, query) => {
    const { payload } = await jwtVerify(authorization.slice('Bearer '.length), keys, expected);
    counts.set(payload.sub, (counts.get(payload.sub) ?? 0) + 1);
    process.stdout.write(
      `${JSON.stringify({ at: Date.now(), sub: payload.sub, query: query.slice(0, 40) })}\n`,
    );
  };
}
