import type { JWTPayload } from 'jose';
import type { Options } from '../../options';
import type { Logger } from '../../telemetry/logger';
import { isRefusedHost } from '../../net/refused-hosts';
import { claimAt } from '../claim';
import { fetchJson } from './fetch-json';
import { localKeys, remoteKeys, secretKey } from './key-set';
import { audiencesOf, listOf, textOf, type TokenIssuer } from './tokens';

type OidcOptions = Options['auth']['oidc'][number];

/** A provider of OpenID Connect, or of OAuth with tokens that are JWTs. */
export function oidcIssuer(options: OidcOptions, logger: Logger): TokenIssuer {
  const { issuer, jwks, secret, audience, clients, withoutAudience, groupsClaim } = options;
  const { header, prefix, clockSkew } = options;
  if (withoutAudience && clients === undefined)
    logger.warn(
      { issuer },
      'tokens of an issuer are accepted without the claim "aud", whatever application they were issued for',
    );
  const locate = (signal: AbortSignal): Promise<string> =>
    typeof jwks === 'string' ? Promise.resolve(jwks) : discover(issuer, signal);
  return {
    issuer,
    mode: 'oidc',
    header,
    prefix,
    algorithms: options.algorithms ?? (secret === undefined ? ofPublicKeys : ['HS256']),
    clockSkew,
    keys:
      secret !== undefined
        ? secretKey(secret)
        : typeof jwks === 'object'
          ? localKeys(jwks)
          : remoteKeys({ issuer, locate, logger }),
    isForEndpoint(claims) {
      if (claims.aud === undefined && withoutAudience) return true;
      const isRight = audiencesOf(claims).some((each) => audience?.includes(each));
      return isRight || (audience === undefined && !withoutAudience);
    },
    objection: (claims) =>
      clients === undefined || clients.includes(clientOf(claims) ?? '')
        ? undefined
        : 'The token was issued to another client.',
    identityOf: (claims) => ({
      mode: 'oidc',
      issuer,
      subject: claims.sub,
      client: clientOf(claims),
      groups: listOf(claimAt(claims, groupsClaim)),
      scopes: listOf(claims['scope'] ?? claims['scp']),
      claims,
    }),
  };
}

const ofPublicKeys = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const clientOf = (claims: JWTPayload): string | undefined =>
  textOf(claims['azp']) ?? textOf(claims['client_id']) ?? textOf(claims['cid']);

/** OpenID Connect Discovery 1.0, section 4. */
async function discover(issuer: string, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = (await fetchJson(url, { signal })) as { issuer?: unknown; jwks_uri?: unknown } | null;
  if (found?.issuer !== issuer) throw new Error(`${url} is the configuration of another issuer.`);
  const { jwks_uri: keys } = found;
  if (typeof keys !== 'string') throw new Error(`${url} has no "jwks_uri".`);
  if (!isFetched(keys)) throw new Error(`${url} has a "jwks_uri" that is not fetched: ${keys}`);
  return keys;
}

function isFetched(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && !isRefusedHost(url.hostname);
}
