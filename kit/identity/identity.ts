import { type IncomingHttpHeaders } from 'node:http';
import { SubgraphError } from '../errors';

/** Who calls. */
export interface Identity {
  readonly id: string;
  /** @default [] */
  readonly groups?: readonly string[];
  /** @default [] */
  readonly scopes?: readonly string[];
}

/** The caller as the gateway authenticated and signed it. */
export interface SignedCaller {
  /** The auth mode at the gateway, such as `oidc` or `api-key`. */
  readonly mode: string;
  /** The user. Missing where only the client is known. */
  readonly sub?: string;
  /** The issuer of the user's token. */
  readonly iss?: string;
  /** The application that calls. */
  readonly client?: string;
  readonly groups?: readonly string[];
  readonly scopes?: readonly string[];
  /** The claims that the gateway's `privateLinks.claims` names. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/**
 * Identifies the user of a request; `null` for anonymous. Throwing refuses the request. `caller` is what the
 * gateway signed: `null` for nobody, and always where the subgraph has no private link.
 */
export type Authenticate = (headers: IncomingHttpHeaders, caller: SignedCaller | null) => Identity | null;

/** Trusts only the caller that the gateway has signed. */
export const linkAuthenticate: Authenticate = (_, caller) =>
  caller?.sub === undefined
    ? null
    : { id: caller.sub, groups: caller.groups ?? [], scopes: caller.scopes ?? [] };

/**
 * For development only: without a signed caller, trusts the user id of the request
 * (`authorization: Bearer u1`) unchecked.
 */
export const developmentAuthenticate: Authenticate = (headers, caller) => {
  if (caller) return linkAuthenticate(headers, caller);
  const id = /^Bearer ([A-Za-z0-9_-]{1,64})$/i.exec(headers.authorization ?? '')?.[1];
  return id === undefined ? null : { id };
};

/** Whether the identity has a scope. An anonymous caller has none. */
export function hasScope(identity: Identity | null, scope: string | undefined): boolean {
  return scope !== undefined && identity?.scopes?.includes(scope) === true;
}

/** The identity. Throws `UNAUTHENTICATED` for an anonymous caller. */
export function requireIdentity(identity: Identity | null): Identity {
  if (!identity) throw new SubgraphError('UNAUTHENTICATED', 'Sign in to do this.');
  return identity;
}
