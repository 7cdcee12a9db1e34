import type { Signer } from '../contract/signer';
import { renewed, type Perishable } from '../../net/renewed';
import type * as Undici from 'undici';
import { outgoingDispatcher } from '../../net/outgoing';

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
export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes?: readonly string[] | undefined;
  readonly audience?: string | undefined;
}

/** Fetches an access token. Rejects with an error whose message has no secret and may be logged. */
export async function fetchToken(credentials: ClientCredentials): Promise<Perishable<string>> {
  // Loaded only where a token is fetched.
  const { request } = require('undici') as typeof Undici;
  const { tokenUrl, clientId, clientSecret, scopes = [], audience } = credentials;
  const { statusCode, body } = await request(tokenUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      ...(audience !== undefined && { audience }),
    }).toString(),
    headersTimeout: patience,
    bodyTimeout: patience,
    ...outgoingDispatcher(),
  });
  const answer = (await body.json().catch(() => ({}))) as {
    access_token?: unknown;
    expires_in?: unknown;
    error?: unknown;
  };
  const { access_token: token, expires_in: lifetime, error } = answer;
  if (statusCode !== 200 || typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    const reason = typeof error === 'string' ? ` (${error})` : '';
    throw new Error(`${new URL(tokenUrl).origin} gave no token, but status ${statusCode}${reason}`);
  }
  const seconds = Number(lifetime);
  // The server may not say how long the token lives.
  return { value: token, expires: Date.now() + (seconds > 0 ? seconds : defaultLifetime) * 1000 };
}

/** Timeout of the request for a token, in milliseconds. */
const patience = 10_000;
/** Assumed lifetime of a token, in seconds, if the server does not say it. */
const defaultLifetime = 300;

/** RFC 6749, section 2.3.1: user and password are form-encoded before they are joined. */
const formEncoded = (text: string): string => new URLSearchParams({ text }).toString().slice('text='.length);
