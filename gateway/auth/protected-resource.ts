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
