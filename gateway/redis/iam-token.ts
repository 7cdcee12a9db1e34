import { presign } from '../net/sigv4';
import type { GetCredentials } from '../net/aws-credentials';
import type { RedisSettings } from './settings';

/**
 * Makes the password of a connection to ElastiCache or MemoryDB with IAM authentication: a request to `connect` that is
 * signed by Signature Version 4, as a URL without its scheme. AWS takes it for 15 minutes, so each connection needs a
 * new one. Rejects if there are no credentials.
 */
export function iamTokens(
  { service, cache, user, region, serverless }: NonNullable<RedisSettings['iam']>,
  credentials: GetCredentials,
): () => Promise<string> {
  const sign = presign({ service, region, credentials });
  const query = {
    Action: 'connect',
    User: user,
    ...(serverless && { ResourceType: 'ServerlessCache' }),
  };
  // AWS keeps names of caches in lower case.
  const host = cache.toLowerCase();
  return async () => {
    const url = await sign(new URL(`http://${host}/?${String(new URLSearchParams(query))}`), validity);
    return url.href.slice('http://'.length);
  };
}

/** Seconds: the most that AWS allows. */
const validity = 900;
