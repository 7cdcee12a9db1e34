import { createHash } from 'node:crypto';
import type { authModes } from '../options/values';

/** An auth mode. AppSync's names for them are in docs/identity.md. */
export type Mode = (typeof authModes)[number];

/** Whether a mode authenticates a user, as `@authenticated` demands. */
const isProof = {
  none: false,
  // Everybody can read the key in an app, so it identifies the app and not the user.
  'api-key': false,
  iam: true,
  oidc: true,
  cognito: true,
  lambda: true,
} satisfies Record<Mode, boolean>;

export const isSignedIn = ({ mode }: Pick<Identity, 'mode'>): boolean => isProof[mode];

/** The authenticated caller of a request. Frozen; one object for all requests with the same credentials. */
export interface Identity {
  readonly mode: Mode;
  /** The user, such as `sub` of a token; undefined if only the client is known. Unique within `issuer`. */
  readonly subject: string | undefined;
  /** The issuer of the token, which vouches for the subject. */
  readonly issuer: string | undefined;
  /** The application that calls, such as the name of an API key, or the client that a token was issued to. */
  readonly client: string | undefined;
  readonly groups: readonly string[];
  readonly scopes: readonly string[];
  /** The claims of the token; `resolverContext` of a Lambda authoriser. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Fields that are null for this caller, as a Lambda authoriser names them: `Type.field`, or the ARN of a field. */
  readonly deniedFields: readonly string[];
  /**
   * For cache keys: it differs if two identities could get different answers. Empty for anonymous callers. It stays the
   * same when a token is renewed.
   */
  readonly scope: string;
  /** For rates and quotas: identifies the caller, independent of permissions. Empty for anonymous callers. */
  readonly principal: string;
}

export type IdentityFacts = Pick<Identity, 'mode'> &
  Partial<Omit<Identity, 'mode' | 'scope' | 'principal'>> & {
    /** Separates callers without a known subject and client. */
    readonly distinction?: string | undefined;
  };

export function createIdentity({ distinction, ...facts }: IdentityFacts): Identity {
  const { mode, subject, issuer, client, groups = [], scopes = [], claims = {}, deniedFields = [] } = facts;
  const principal = JSON.stringify([mode, issuer, subject ?? client ?? distinction]);
  const lasting = Object.entries(claims).filter(([name]) => !claimsOfOneToken.has(name));
  const scope = digest([
    ...[principal, client],
    ...[[...groups].sort(), [...scopes].sort(), [...deniedFields].sort(), lasting.sort(byName)],
  ]);
  return deepFreeze({
    mode,
    subject,
    issuer,
    client,
    groups,
    scopes,
    claims,
    deniedFields,
    scope,
    principal,
  });
}

/** The caller without credentials, if that is allowed. */
export const anonymous: Identity = deepFreeze({
  mode: 'none',
  subject: undefined,
  issuer: undefined,
  client: undefined,
  groups: [],
  scopes: [],
  claims: {},
  deniedFields: [],
  scope: '',
  principal: '',
});

/** Claims that identify the token and its lifetime, not its owner. */
const claimsOfOneToken = new Set(['iat', 'exp', 'nbf', 'jti', 'origin_jti', 'event_id', 'nonce', 'at_hash']);

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

function digest(facts: unknown): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('base64url');
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
