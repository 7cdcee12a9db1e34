import { createHash, randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { OptionsInput } from '../../gateway/options';

export interface DevelopmentCredentials {
  /** The auth options that accept them. */
  readonly auth: NonNullable<OptionsInput['auth']>;
  /** The headers of the most readable credentials, for user u1. */
  readonly headers: Readonly<Record<string, string>>;
  /** Arguments for `curl` that send them, by AppSync's name of the mode. */
  readonly examples: ReadonlyMap<string, string>;
}

/**
 * Creates credentials for each mode, which are valid for this run only. `authorization: Bearer u1` is the user with the
 * id u1, and `Bearer support` is support staff. For these there is an AppSync-style authoriser that checks nothing, for
 * development only.
 */
export async function developmentCredentials(): Promise<DevelopmentCredentials> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kty: 'RSA', alg: 'RS256', kid: 'development' };
  const jwks = { keys: [jwk] };
  const token = (claims: JWTPayload): Promise<string> =>
    new SignJWT({ sub: user, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'development' })
      .setIssuedAt()
      .setExpirationTime('24h')
      .sign(privateKey);
  const apiKey = `da2-${randomBytes(16).toString('hex')}`;
  const secretAccessKey = randomBytes(24).toString('base64url');
  const [oidc, cognito] = await Promise.all([
    token({ iss: oidcIssuer, aud: 'shop', scope: 'profile' }),
    token({ iss: poolIssuer, client_id: 'shop', token_use: 'access', scope: 'profile' }),
  ]);
  return {
    auth: {
      anonymous: true,
      apiKeys: [{ client: 'shop', sha256: createHash('sha256').update(apiKey).digest('hex') }],
      iam: { keys: [{ accessKeyId, secretAccessKey, subject: user, scopes: ['profile'] }] },
      oidc: [{ issuer: oidcIssuer, audience: 'shop', jwks }],
      cognito: [{ userPool: 'eu-west-1_Development', issuer: poolIssuer, clients: 'shop', jwks }],
      lambda: { module: believe, ttl: 0 },
    },
    headers: { authorization: `Bearer ${user}` },
    examples: new Map([
      ['AWS_LAMBDA', `-H 'authorization: Bearer ${user}'`],
      ['API_KEY', `-H 'x-api-key: ${apiKey}'`],
      ['AWS_IAM', `--aws-sigv4 aws:amz:eu-west-1:appsync --user ${accessKeyId}:${secretAccessKey}`],
      ['OPENID_CONNECT', `-H 'authorization: ${oidc}'`],
      ['AMAZON_COGNITO_USER_POOLS', `-H 'authorization: ${cognito}'`],
    ]),
  };
}

const user = 'u1';
const accessKeyId = 'AKIDEVELOPMENT';
const oidcIssuer = 'https://oidc.development.invalid';
const poolIssuer = 'https://pool.development.invalid';

/** Accepts the id of a user as its credentials. Anything else is an anonymous caller. */
function believe({ authorizationToken }: { readonly authorizationToken: string }) {
  const sub = /^(?:Bearer )?([A-Za-z0-9_-]{1,64})$/i.exec(authorizationToken)?.[1];
  if (sub === undefined) return { isAuthorized: false };
  return { isAuthorized: true, resolverContext: { sub, scope: sub === 'support' ? 'support' : 'profile' } };
}
