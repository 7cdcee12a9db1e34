import type * as Jose from 'jose';
import { LRUCache } from 'lru-cache';
import { type Perishable, renewed } from '../../net/renewed';
import { type Signer, SigningError } from '../contract/signer';
import { subjectTokenHeader } from '../header-rules';
import { requestToken, type TokenClient, TokenRefused } from './token-endpoint';

export interface TokenExchangeOptions extends TokenClient {
  readonly audience: string;
  readonly scopes: readonly string[];
}

/**
 * Sends a token that was exchanged for that of the caller (RFC 8693). It is kept until it ends, and renewed a little before;
 * calls that need the same one wait for one exchange. An exchange that was refused is not tried again for some seconds.
 */
export function tokenExchange(options: TokenExchangeOptions): Signer {
  const kept = new LRUCache<string, () => string | Promise<string>>({ maxSize: mostRemembered });
  const pauseAfter = (error: Error): number => (error instanceof TokenRefused ? afterRefusal : afterFailure);
  const failed = (error: unknown): never => {
    throw new SigningError('not-exchanged', 'The token of the caller was not exchanged', error);
  };

  return {
    headers: ['authorization'],
    usesCaller: true,
    sign({ caller }) {
      const token = caller.headers[subjectTokenHeader];
      if (token === undefined) throw new SigningError('no-token', 'The caller has no token');
      let get = kept.get(token);
      if (get === undefined) {
        get = renewed(() => exchange(token, options), { pauseAfter });
        kept.set(token, get, { size: 2 * token.length + 2048 });
      }
      const value = get();
      return typeof value === 'string' ? toHeaders(value) : value.then(toHeaders, failed);
    },
  };
}

const toHeaders = (token: string) => ['authorization', `Bearer ${token}`];

/** Rejects with an error whose message has no token and may be logged. */
async function exchange(
  token: string,
  { audience, scopes, ...client }: TokenExchangeOptions,
): Promise<Perishable<string>> {
  const found = await requestToken(client, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: accessToken,
    requested_token_type: accessToken,
    audience,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
  });
  const { value, answer } = found;
  const { token_type: use, issued_token_type: type, expires_in: lifetime } = answer;
  const refuse = (what: string): never => {
    throw new TokenRefused(`${new URL(client.tokenUrl).origin} answered with ${what}`);
  };
  if (value === token) refuse('the token of the caller itself');
  if (typeof use !== 'string' || use.toLowerCase() !== 'bearer') refuse('a `token_type` other than Bearer');
  if (type !== accessToken && type !== jwt)
    refuse('another `issued_token_type` than that of an access token');
  if (lifetime !== undefined && !(Number(lifetime) > 0))
    refuse('an `expires_in` that is no number of seconds');
  const claims = claimsOf(value);
  if (claims === undefined) return found;
  const { aud = [], exp } = claims;
  if (![aud].flat().includes(audience)) refuse('a token for another audience');
  const expires = Math.min(found.expires!, typeof exp === 'number' ? exp * 1000 : Infinity);
  if (expires <= Date.now()) refuse('a token that has expired');
  return { value, expires };
}

/** Undefined for a token that is no JSON Web Token. The subgraph verifies it: here it comes from who has issued it. */
function claimsOf(token: string): Jose.JWTPayload | undefined {
  const { decodeJwt } = require('jose') as typeof Jose;
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const jwt = 'urn:ietf:params:oauth:token-type:jwt';
/** Bytes for about ten thousand callers. */
const mostRemembered = 32 * 1024 * 1024;
/** Milliseconds. */
const afterRefusal = 10_000;
const afterFailure = 1_000;
