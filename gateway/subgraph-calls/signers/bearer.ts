import type { Signer } from '../contract/signer';
import { type ClientCredentials, fetchToken } from './client-credentials';
import { renewed } from '../../net/renewed';

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
