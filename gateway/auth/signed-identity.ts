import type { PrivateLinksOptions } from '../options/private-links';
import type { Identity } from './identity';

/** The caller in the header `weir-identity` for subgraphs: base64url of this as JSON. */
interface SignedIdentity {
  readonly mode: Identity['mode'];
  readonly sub?: string;
  readonly iss?: string;
  readonly client?: string;
  readonly groups?: readonly string[];
  readonly scopes?: readonly string[];
  /** The claims in `privateLinks.claims`. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export type SignIdentity = (identity: Identity) => string | undefined;

/**
 * Compiles a function that returns the header value of an identity; undefined for anonymous callers, and without
 * private links. The value is computed once per identity.
 */
export function compileSignedIdentity({ keys, keysFile, claims }: PrivateLinksOptions): SignIdentity {
  if (keys === undefined && keysFile === undefined) return () => undefined;
  const known = new WeakMap<Identity, string>();
  return (identity) => {
    if (identity.mode === 'none') return undefined;
    let value = known.get(identity);
    if (value === undefined) known.set(identity, (value = encode(describe(identity, claims))));
    return value;
  };
}

function describe(identity: Identity, names: readonly string[]): SignedIdentity {
  const { mode, subject, issuer, client, groups, scopes } = identity;
  const claims = names.filter((name) => Object.hasOwn(identity.claims, name));
  return {
    mode,
    ...(subject !== undefined && { sub: subject }),
    ...(issuer !== undefined && { iss: issuer }),
    ...(client !== undefined && { client }),
    ...(groups.length > 0 && { groups }),
    ...(scopes.length > 0 && { scopes }),
    ...(claims.length > 0 && {
      claims: Object.fromEntries(claims.map((name) => [name, identity.claims[name]])),
    }),
  };
}

const encode = (identity: SignedIdentity): string =>
  Buffer.from(JSON.stringify(identity)).toString('base64url');
