import { type IncomingHttpHeaders } from 'node:http';
import { SubgraphError } from './errors';

/** Who calls. */
export interface Identity {
  readonly id: string;
  /** @default [] */
  readonly groups?: readonly string[];
  /** @default [] */
  readonly scopes?: readonly string[];
}

/** Who calls, as the gateway found out and signed it. */
export interface SignedCaller {
  /** How they proved it to the gateway, such as `oidc` or `api-key`. */
  readonly mode: string;
  /** The user. Missing where only the client is known. */
  readonly sub?: string;
  /** Who vouches for the user. */
  readonly iss?: string;
  /** The application that calls. */
  readonly client?: string;
  readonly groups?: readonly string[];
  readonly scopes?: readonly string[];
  /** Those that the gateway's `privateLinks.claims` names. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/**
 * Tells who sent a request; `null` when nobody is signed in. Throwing refuses the request. `caller` is what the
 * gateway signed: `null` for nobody, and always where the subgraph has no private link.
 */
export type Authenticate = (headers: IncomingHttpHeaders, caller: SignedCaller | null) => Identity | null;

/** Believes what the gateway has signed, and nothing else. */
export const linkAuthenticate: Authenticate = (_, caller) =>
  caller?.sub === undefined
    ? null
    : { id: caller.sub, groups: caller.groups ?? [], scopes: caller.scopes ?? [] };

/**
 * A stand-in for development: where the gateway has signed no caller, it believes whatever user id it is told
 * (`authorization: Bearer u1`). It proves nothing.
 */
export const developmentAuthenticate: Authenticate = (headers, caller) => {
  if (caller) return linkAuthenticate(headers, caller);
  const id = /^Bearer ([A-Za-z0-9_-]{1,64})$/i.exec(headers.authorization ?? '')?.[1];
  return id === undefined ? null : { id };
};

/** Whether somebody has a scope; nobody has any. */
export function hasScope(identity: Identity | null, scope: string | undefined): boolean {
  return scope !== undefined && identity?.scopes?.includes(scope) === true;
}

/** The caller, or the error that tells them to sign in. */
export function requireIdentity(identity: Identity | null): Identity {
  if (!identity) throw new SubgraphError('UNAUTHENTICATED', 'Sign in to do this.');
  return identity;
}
