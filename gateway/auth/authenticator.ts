import type { IncomingHttpHeaders } from 'node:http';
import { requestError } from '../errors';
import type { Identity, Mode } from './identity';

/** A request whose body has arrived, as bytes. */
export interface Received {
  readonly requestId: string;
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
  /** The `extensions` of the request are not covered by its signature: they are not to be looked at. @default false */
  readonly withoutExtensions?: boolean;
  /** Called once, before a mutation runs. Throws where these credentials may not run it, such as a signature again. */
  readonly admitMutation?: () => void;
}

/** One auth mode. */
export interface Authenticator {
  /** Whether the request carries credentials of this mode. Looks at headers only. */
  recognises(received: Received): boolean;
  /** Whether `authenticate` looks at the body, too. @default false */
  readonly needsBody?: boolean;
  /** The mode of credentials that it recognises, for the log; `none` where they are of none that is accepted. */
  modeOf(received: Received): Mode;
  /** What the credentials prove. Throws or rejects with `unauthenticated` when they prove nothing. */
  authenticate(received: Received): Proof | Promise<Proof>;
  /** What a request without credentials is asked for, in the `WWW-Authenticate` header. */
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
