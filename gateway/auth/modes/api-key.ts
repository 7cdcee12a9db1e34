import { hash } from 'node:crypto';
import type { Options } from '../../options';
import { type Authenticator, expired, type Proof, type AuthRequest, unauthenticated } from '../authenticator';
import { createIdentity } from '../identity';

interface ApiKeys extends Authenticator {
  authenticate(received: Pick<AuthRequest, 'headers'>): Proof;
}

/** Keys in `x-api-key`, found by their SHA-256, so that the time of a look-up reveals nothing about other keys. */
export function apiKeys(keys: Options['auth']['apiKeys']): ApiKeys {
  const known = new Map(
    keys.map(({ client, sha256, expires, groups, scopes }) => [
      sha256.toLowerCase(),
      {
        identity: createIdentity({ mode: 'api-key', client, groups, scopes }),
        expires: expires === undefined ? undefined : Date.parse(expires),
      },
    ]),
  );
  return {
    challenge: 'ApiKey',
    modeOf: () => 'api-key',
    recognises: ({ headers }) => headers['x-api-key'] !== undefined,
    authenticate({ headers }) {
      const found = known.get(sha256(headers['x-api-key'] as string));
      if (found === undefined) throw unauthenticated('The API key is not known.', this.challenge);
      if (found.expires !== undefined && found.expires <= Date.now())
        throw unauthenticated(expired.apiKey, this.challenge);
      return found;
    },
  };
}

/** The hash of the header's bytes, which Node decodes as Latin-1. */
const sha256 = (key: string): string => hash('sha256', Buffer.from(key, 'latin1'), 'hex');
