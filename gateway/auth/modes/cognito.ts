import type { Options } from '../../options';
import type { Logger } from '../../telemetry/logger';
import { remoteKeys, localKeys } from './key-set';
import { listOf, textOf, type TokenIssuer } from './tokens';

type CognitoOptions = Options['auth']['cognito'][number];

/** A user pool of Amazon Cognito: its access tokens, and its ID tokens, as AppSync takes both. */
export function cognitoIssuer(options: CognitoOptions, logger: Logger): TokenIssuer {
  const { clients, tokenUse, jwks, clockSkew } = options;
  const issuer = issuerOfPool(options);
  const locate = (): Promise<string> =>
    Promise.resolve(typeof jwks === 'string' ? jwks : `${issuer}/.well-known/jwks.json`);
  return {
    issuer,
    mode: 'cognito',
    header: 'authorization',
    prefix: 'Bearer',
    algorithms: ['RS256'],
    clockSkew,
    keys: typeof jwks === 'object' ? localKeys(jwks) : remoteKeys({ issuer, locate, logger }),
    isForEndpoint: () => true,
    objection(claims) {
      const use = claims['token_use'];
      if ((use !== 'access' && use !== 'id') || (tokenUse !== 'any' && use !== tokenUse))
        return 'The token is for another use.';
      // An access token names the client in one claim, an ID token in another.
      const client = use === 'access' ? claims['client_id'] : claims.aud;
      return clients.includes(textOf(client) ?? '') ? undefined : 'The token was issued to another client.';
    },
    identityOf: (claims) => ({
      mode: 'cognito',
      issuer,
      subject: claims.sub,
      client: textOf(claims['client_id']) ?? textOf(claims.aud),
      groups: listOf(claims['cognito:groups']),
      scopes: listOf(claims['scope']),
      claims,
    }),
  };
}

export function issuerOfPool({ issuer, userPool }: Pick<CognitoOptions, 'issuer' | 'userPool'>): string {
  const region = userPool.slice(0, userPool.indexOf('_'));
  return issuer ?? `https://cognito-idp.${region}.amazonaws.com/${userPool}`;
}
