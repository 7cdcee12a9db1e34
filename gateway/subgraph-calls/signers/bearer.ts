import type { Signer } from '../signer';
import { type ClientCredentials, fetchToken } from './client-credentials';
import { renewed } from '../renewed';

export interface BearerOptions {
  /** A token, or where to get one. */
  readonly token: string | ClientCredentials;
  /** What stands before it. @default 'Bearer ' */
  readonly prefix?: string | undefined;
}

/** Sends a token in `authorization`; one that is fetched is fetched anew before it expires, never for a request. */
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
