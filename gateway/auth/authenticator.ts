import type { IncomingHttpHeaders } from 'node:http';
import { requestError } from '../errors';
import type { ClientProtocol } from '../options/values';
import type { Identity, Mode } from './identity';

/** A request whose body has arrived, as bytes. */
export interface AuthRequest {
  readonly requestId: string;
  /** What its client speaks: tokens for one protocol do not open the other. @default 'graphql' */
  readonly protocol?: ClientProtocol | undefined;
  readonly method: string;
  /** Path and query string, as they were sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Empty for a GET. */
  readonly body: Buffer;
}

/** The result of verified credentials. */
export interface Proof {
  readonly identity: Identity;
  /** The token, where it may be exchanged for one of a subgraph. @default undefined: they are no token */
  readonly token?: string | undefined;
  /** Whether `extensions` must be ignored, as the signature of the request does not cover them. @default false */
  readonly withoutExtensions?: boolean;
  /**
   * Called once before a mutation runs. Throws if these credentials may not run it, for example a signature that was
   * used before.
   */
  readonly admitMutation?: () => void;
  /**
   * When these credentials end, in milliseconds of `Date.now()`. Running subscriptions end then.
   *
   * @default undefined: they are valid for as long as the request lasts
   */
  readonly expires?: number | undefined;
}

/** The error for a client whose credentials were good, and are not any more. */
export const expired = {
  token: 'The token has expired.',
  apiKey: 'The API key has expired.',
} as const;

/** The same, by the mode of the credentials. */
export const reasonOfExpiry = (mode: Mode): string => (mode === 'api-key' ? expired.apiKey : expired.token);

/** One auth mode. */
export interface Authenticator {
  /** Whether the request carries credentials of this mode. Looks at headers only. */
  recognises(received: AuthRequest): boolean;
  /** Whether `authenticate` needs the body, too. @default false */
  readonly needsBody?: boolean;
  /** The mode of recognised credentials, for the log; `none` if no accepted mode has such credentials. */
  modeOf(received: AuthRequest): Mode;
  /** Verifies the credentials. Throws or rejects with `unauthenticated` if they are not valid. */
  authenticate(received: AuthRequest): Proof | Promise<Proof>;
  /** The challenge in `WWW-Authenticate` for a request without credentials. */
  readonly challenge: string;
  close?(): void;
}

/**
 * Refuses a request, with the reason in a sentence that the client sees. A 401 has a challenge (RFC 9110, section
 * 11.6.1).
 */
export function unauthenticated(reason: string, challenge: string): Error {
  return requestError('UNAUTHENTICATED', { reason }, { headers: { 'www-authenticate': challenge } });
}
