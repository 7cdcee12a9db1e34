import { z } from 'zod';
import { flag, mapOf, region, text } from './values';

const services = ['elasticache', 'memorydb'] as const;
const cacheRule = 'must be the name of a cache on AWS: letters, digits and hyphens';

/** How to connect to a Redis or Valkey, beside its URL. */
export const redis = mapOf({
  ca: text
    .optional()
    .describe(
      'A file of certificates in PEM to trust in addition to those that Node brings, read again for each new connection. Left out: none. No effect without `rediss://`.',
    )
    .meta({ title: 'file', example: '/etc/weir/redis-ca.pem' }),
  iam: mapOf({
    service: z
      .enum(services, { error: `must be ${services.join(' or ')}` })
      .default('elasticache')
      .describe('The service of AWS.'),
    cache: z
      .string({ error: cacheRule })
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/, { error: cacheRule })
      .describe(
        'The name of the cache: the id of the replication group or the name of the serverless cache of ElastiCache, or the name of the cluster of MemoryDB.',
      )
      .meta({ example: 'shop-cache' }),
    user: text
      .describe('The user to connect as: of ElastiCache both its id and its name, which must be equal.')
      .meta({ example: 'weir' }),
    region: region.describe('The region of the cache.'),
    serverless: flag.default(false).describe('Whether the cache is ElastiCache Serverless.'),
  })
    .optional()
    .describe(
      'Connects with the credentials of the process on AWS, as the AWS SDK finds them, instead of a password. The URL must begin with `rediss://` and hold no user. Left out: the user and password of the URL, if there are any.',
    ),
})
  .prefault({})
  .meta({
    example: {
      ca: '/etc/weir/redis-ca.pem',
      iam: {
        service: 'elasticache',
        cache: 'shop-cache',
        user: 'weir',
        region: 'eu-west-1',
        serverless: true,
      },
    },
  });

/**
 * Whether a URL can be connected to with IAM: over TLS, and with no other credentials. What is no URL is refused by the rule
 * of its own option.
 */
export function takesIam(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { protocol, username, password } = new URL(url);
  return protocol === 'rediss:' && username === '' && password === '';
}

/** What is wrong if not, to follow the name of the option; what has the URL follows it. */
export const iamRule =
  'must stand beside a URL that begins with rediss:// and holds no user and no password,';
