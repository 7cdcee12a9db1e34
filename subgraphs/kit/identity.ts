import { type IncomingHttpHeaders } from 'node:http';
import { SubgraphError } from './errors';

/** Who calls. */
export interface Identity {
  readonly id: string;
}

/** Tells from the headers of a request who sent it; `null` when nobody is signed in. Throwing refuses the request. */
export type Authenticate = (headers: IncomingHttpHeaders) => Identity | null;

/**
 * A stand-in for development: it believes whatever user id it is told (`authorization: Bearer u1`).
 * It proves nothing, so a subgraph that serves real people passes its own `authenticate`.
 */
export const developmentAuthenticate: Authenticate = ({ authorization }) => {
  const id = /^Bearer ([A-Za-z0-9_-]{1,64})$/i.exec(authorization ?? '')?.[1];
  return id === undefined ? null : { id };
};

/** The caller, or the error that tells them to sign in. */
export function requireIdentity(identity: Identity | null): Identity {
  if (!identity) throw new SubgraphError('UNAUTHENTICATED', 'Sign in to do this.');
  return identity;
}
