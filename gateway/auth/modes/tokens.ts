import type { errors as Errors, JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import type { ClientProtocol } from '../../options/values';
import { type Authenticator, expired, type Proof, type AuthRequest, unauthenticated } from '../authenticator';
import { createIdentity, type IdentityFacts } from '../identity';
import { jose } from './jose';
import type { KeySet } from './key-set';

/** An accepted issuer of tokens, and the requirements for its tokens. */
export interface TokenIssuer {
  /** The value of `iss`. */
  readonly issuer: string;
  readonly mode: 'oidc' | 'cognito';
  /** The header that its tokens come in, in lower case. */
  readonly header: string;
  /** The word that may stand before a token, in any case; empty if none may. */
  readonly prefix: string;
  readonly keys: KeySet;
  /** Allowed signature algorithms: asymmetric ones, or those of HMAC for a secret. Never both, so that no public key is a secret. */
  readonly algorithms: readonly string[];
  /** The tolerated difference of clocks, in milliseconds. */
  readonly clockSkew: number;
  /** Whether a token is for the endpoint of GraphQL. Registered claims have the types of their specifications. */
  readonly isForEndpoint: (claims: JWTPayload) => boolean;
  /** Returns why a validly signed token is not accepted for another reason, as a sentence, or undefined if it is. */
  readonly objection: (claims: JWTPayload) => string | undefined;
  readonly identityOf: (claims: JWTPayload) => IdentityFacts;
}

/**
 * JSON Web Tokens (RFC 7519) in one header, with or without the prefix of their issuer. A token is verified when it is
 * first sent, and again every five minutes, so that a key withdrawn by its issuer does not stay valid for long.
 *
 * @param issuers those whose tokens come in the header
 * @param toolsAudience the audience that a token must have for tools, and only for these. @default there are no tools
 */
export function tokens(
  header: string,
  issuers: readonly TokenIssuer[],
  toolsAudience?: string,
): Authenticator {
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  const { errors, jwtVerify } = jose();
  const verified = {
    graphql: new LRUCache<string, VerifiedToken>({ maxSize: mostRemembered }),
    mcp: new LRUCache<string, VerifiedToken>({ maxSize: mostRemembered }),
  } satisfies Record<ClientProtocol, unknown>;

  const valueIn = ({ headers }: AuthRequest): string => headers[header] as string;

  function find(value: string): { readonly token: string; readonly issuer: TokenIssuer } | undefined {
    const start = value.lastIndexOf(' ') + 1;
    const token = value.slice(start);
    const prefix = value.slice(0, start).trim().toLowerCase();
    const issuer = byName.get(issuerOf(token) ?? '');
    const isFound = issuer !== undefined && (prefix === '' || prefix === issuer.prefix.toLowerCase());
    return isFound ? { token, issuer } : undefined;
  }

  /** A token for tools opens nothing else, and no other token opens these. */
  function isFor(protocol: ClientProtocol, claims: JWTPayload, issuer: TokenIssuer): boolean {
    const isForTools = toolsAudience !== undefined && audiencesOf(claims).includes(toolsAudience);
    return protocol === 'mcp' ? isForTools : !isForTools && issuer.isForEndpoint(claims);
  }

  async function verify(value: string, protocol: ClientProtocol): Promise<Proof> {
    const { token, issuer } = find(value)!;
    const tolerance = issuer.clockSkew / 1000;
    const { payload } = await jwtVerify(token, issuer.keys.find, {
      issuer: issuer.issuer,
      algorithms: [...issuer.algorithms],
      clockTolerance: tolerance,
      requiredClaims: ['exp'],
    }).catch((error: unknown) => {
      throw error instanceof errors.JOSEError ? unauthenticated(reasonOf(error), invalidToken) : error;
    });
    const objection =
      wrongTypeIn(payload) ??
      (isFor(protocol, payload, issuer) ? issuer.objection(payload) : 'The token is for another audience.');
    if (objection !== undefined) throw unauthenticated(objection, invalidToken);
    const expires = (payload.exp! + tolerance) * 1000;
    const proof = { identity: createIdentity(issuer.identityOf(payload)), expires, token };
    const until = Math.min(expires, Date.now() + rememberedFor);
    verified[protocol].set(value, { proof, until }, { size: value.length + 1024 });
    return proof;
  }

  return {
    challenge: 'Bearer',
    modeOf: (received) => find(valueIn(received))!.issuer.mode,
    recognises({ headers }) {
      const value = headers[header] as string | undefined;
      return value !== undefined && (verified.graphql.has(value) || find(value) !== undefined);
    },
    authenticate(received: AuthRequest) {
      const value = valueIn(received);
      const { protocol = 'graphql' } = received;
      const found = verified[protocol].get(value);
      return found !== undefined && found.until > Date.now() ? found.proof : verify(value, protocol);
    },
    close: () => issuers.forEach(({ keys }) => keys.close()),
  };
}

interface VerifiedToken {
  readonly proof: Proof;
  /** Milliseconds of `Date.now()`. */
  readonly until: number;
}

/** Bytes for about ten thousand tokens. */
const mostRemembered = 32 * 1024 * 1024;
const rememberedFor = 5 * 60_000;
const invalidToken = 'Bearer error="invalid_token"';

/** The issuer that an unverified token claims. */
function issuerOf(token: string): string | undefined {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token)?.[1];
  if (payload === undefined) return undefined;
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as JWTPayload | null;
    return typeof claims?.iss === 'string' ? claims.iss : undefined;
  } catch {
    return undefined;
  }
}

/** Why a token is refused whose registered claim has another type than in its specification; undefined if none has. */
function wrongTypeIn(claims: JWTPayload): string | undefined {
  for (const [claim, isOfType] of registered)
    if (claims[claim] !== undefined && !isOfType(claims[claim])) return wrongClaim(claim);
  return undefined;
}

const isText = (claim: unknown): boolean => typeof claim === 'string';
const isNumber = (claim: unknown): boolean => typeof claim === 'number';
const isTextOrTexts = (claim: unknown): boolean =>
  isText(claim) || (Array.isArray(claim) && claim.every(isText));

/** RFC 7519, section 4.1; `client_id` of RFC 8693, section 4.3; `azp` of OpenID Connect Core 1.0, section 2. */
const registered: readonly (readonly [claim: string, isOfType: (claim: unknown) => boolean])[] = [
  ['iss', isText],
  ['sub', isText],
  ['aud', isTextOrTexts],
  ['exp', isNumber],
  ['nbf', isNumber],
  ['iat', isNumber],
  ['jti', isText],
  ['client_id', isText],
  ['azp', isText],
];

const wrongClaim = (claim: string): string => `The claim "${claim}" of the token is wrong.`;

function reasonOf(error: Errors.JOSEError): string {
  const { errors } = jose();
  if (error instanceof errors.JWTExpired) return expired.token;
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'The token is signed with an algorithm that is not allowed.';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the token is wrong.';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'The token is signed with a key that its issuer does not have.';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (claim === 'nbf' && reason === 'check_failed') return 'The token is not valid yet.';
    return reason === 'missing' ? `The token has no claim "${claim}".` : wrongClaim(claim);
  }
  return 'The token is malformed.';
}

/** A claim that is a list, or text with a space between its members (RFC 8693, section 4.2). */
export function listOf(claim: unknown): readonly string[] {
  if (Array.isArray(claim)) return claim.filter((each): each is string => typeof each === 'string');
  return typeof claim === 'string' ? claim.split(' ').filter((each) => each !== '') : [];
}

export const audiencesOf = ({ aud = [] }: JWTPayload): readonly string[] =>
  typeof aud === 'string' ? [aud] : aud;

export const textOf = (claim: unknown): string | undefined => (typeof claim === 'string' ? claim : undefined);
