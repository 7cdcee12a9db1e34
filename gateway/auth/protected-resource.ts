import type { GraphQLError } from 'graphql';
import type { Options } from '../options';
import { issuerOfPool } from './modes/cognito';

/** Where the metadata of a protected resource is found (RFC 9728, section 3.1). */
export function metadataUrlOf(resource: string): URL {
  const url = new URL(resource);
  const path = url.pathname === '/' ? '' : url.pathname;
  url.pathname = `/.well-known/oauth-protected-resource${path}`;
  return url;
}

export interface BearerChallenge {
  /** `mcp.resource`. */
  readonly resource: string;
  readonly error?: 'invalid_token' | 'insufficient_scope' | undefined;
  /** The scopes to request. */
  readonly scopes?: readonly string[] | undefined;
}

/** What a client without the right token is to do (RFC 6750, section 3, and RFC 9728, section 5.1). */
export function bearerChallenge({ resource, error, scopes = [] }: BearerChallenge): string {
  const parameters = [
    ...(error === undefined ? [] : [`error="${error}"`]),
    ...(scopes.length === 0 ? [] : [`scope="${scopes.filter(isScopeToken).join(' ')}"`]),
    `resource_metadata="${metadataUrlOf(resource).href}"`,
  ];
  return `Bearer ${parameters.join(', ')}`;
}

/** RFC 6749, section 3.3. */
const isScopeToken = (scope: string): boolean => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope);

const challengeHeader = 'www-authenticate';

/** The same refusal, with where its client finds the authorisation server. @param resource undefined where there are no tokens */
export function withMetadata(error: Error, resource: string | undefined): Error {
  const { http } = (error as GraphQLError).extensions as {
    readonly http?: { readonly headers: Map<string, string> };
  };
  const challenge = http?.headers.get(challengeHeader);
  if (resource === undefined || challenge === undefined) return error;
  const isInvalid = challenge.includes('invalid_token');
  http!.headers.set(
    challengeHeader,
    bearerChallenge({ resource, error: isInvalid ? 'invalid_token' : undefined }),
  );
  return error;
}

/** The metadata of the tools as a protected resource (RFC 9728, section 2), and its path; undefined where there are no tokens for them. */
export function metadataOf({ mcp, auth: { oidc, cognito } }: Pick<Options, 'mcp' | 'auth'>) {
  const resource = mcp?.resource;
  if (resource === undefined) return undefined;
  // Clients send tokens as `authorization: Bearer`, and get them from who publishes its keys.
  const issuers = oidc.filter(
    ({ header, prefix, secret }) =>
      header === 'authorization' && prefix.toLowerCase() === 'bearer' && secret === undefined,
  );
  const servers = [...issuers.map(({ issuer }) => issuer), ...cognito.map(issuerOfPool)];
  return {
    path: metadataUrlOf(resource).pathname,
    documentWith: (scopes: readonly string[]) => ({
      resource,
      ...(servers.length > 0 && { authorization_servers: servers }),
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      bearer_methods_supported: ['header'],
    }),
  };
}
