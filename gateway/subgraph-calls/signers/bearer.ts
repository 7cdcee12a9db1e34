import type { Signer } from '../contract/signer';
import { renewed, type Perishable } from '../../net/renewed';
import { requestToken, type TokenClient } from './token-endpoint';

export interface BearerOptions {
  /** A token, or how to fetch one. */
  readonly token: string | ClientCredentials;
  /** The text before the token. @default 'Bearer ' */
  readonly prefix?: string | undefined;
}

/** Sends a token in `authorization`. A fetched token is renewed before it expires, so that no request waits for it. */
export function bearerToken({ token, prefix = 'Bearer ' }: BearerOptions): Signer {
  const get = typeof token === 'string' ? () => token : renewed(() => fetchToken(token));
  const toHeaders = (value: string) => ['authorization', prefix + value];
  return {
    headers: ['authorization'],
    sign: () => {
      const value = get();
      return typeof value === 'string' ? toHeaders(value) : value.then(toHeaders);
    },
  };
}

/** How a token is fetched (RFC 6749, section 4.4, "Client Credentials Grant"). */
export interface ClientCredentials extends TokenClient {
  readonly scopes: readonly string[];
  readonly audience?: string | undefined;
}

/** Rejects as `requestToken` does. */
function fetchToken({ scopes, audience, ...client }: ClientCredentials): Promise<Perishable<string>> {
  return requestToken(client, {
    grant_type: 'client_credentials',
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(audience !== undefined && { audience }),
  });
}
