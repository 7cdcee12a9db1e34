import { z } from 'zod';
import { invalidationSchema } from './invalidation';
import { cdn } from './cdn';
import { iamRule, redis, takesIam } from './redis';
import { duration, flag, headerName, mapOf, size, timeout } from './values';

/** The kinds of stores by the protocol of their URL. */
const storeKinds = {
  'memory:': 'memory',
  'redis:': 'redis',
  'rediss:': 'redis',
  'dynamodb:': 'dynamodb',
} as const;

export type StoreKind = (typeof storeKinds)[keyof typeof storeKinds];

export const storeKindOf = ({ store }: { readonly store: string }): StoreKind =>
  storeKinds[new URL(store).protocol as keyof typeof storeKinds];

/** Whether several gateways have the same store. */
export const isShared = (cache: { readonly store: string }): boolean => storeKindOf(cache) !== 'memory';

const storeRule = 'must be memory:, redis://HOST:PORT, rediss://HOST:PORT or dynamodb://TABLE';

const prefixRule = 'must be 1 to 64 letters, digits and any of _.-';

/** Public answers would be shared by clients that want different ones. */
const identityHeaderName = headerName.refine(
  (name) => !/^(accept(-.*)?|user-agent|x-forwarded-.*|forwarded|origin|referer|range|if-.*)$/.test(name),
  {
    error:
      'must be a header that only identifies the caller, such as authorization: its value is not in the cache key of public answers',
  },
);

/** How long an answer is kept: durations, which count in whole seconds. */
const lifetime = duration.refine((value) => value <= 31_536_000_000, {
  error: 'must not be longer than 8760h',
});

const scopeRule = 'must be public or private';

const cacheScope = z.enum(['public', 'private'], { error: scopeRule });

const cachePolicy = mapOf({
  maxAge: lifetime.optional().describe('How long it is fresh.').meta({ protects: true }),
  scope: cacheScope
    .optional()
    .describe('Whether all clients may share it.')
    .meta({ protects: { values: ['private'] } }),
  staleWhileRevalidate: lifetime
    .optional()
    .describe('Used instead of `cache.staleWhileRevalidate`.')
    .meta({ protects: true }),
  staleIfError: lifetime
    .optional()
    .describe('Used instead of `cache.staleIfError`.')
    .meta({ protects: true }),
});

export const cache = mapOf({
  store: z
    .string({ error: storeRule })
    .regex(/^(memory:|rediss?:\/\/[^/].*|dynamodb:\/\/[\w.-]+(\?.*)?)$/, { error: storeRule })
    .refine(isOfKnownProtocol, { error: storeRule })
    .default('memory:')
    .describe(
      'Where cached answers are stored: `memory:` is this process alone; `redis://HOST:PORT` (`rediss://` over TLS) is a Redis (6.2 or newer) or Valkey that gateways share; `dynamodb://TABLE?region=REGION&endpoint=URL` (`region` and `endpoint` are optional) is a DynamoDB table with the partition key `pk` (text) and the TTL attribute `expires`, with credentials as the AWS SDK finds them.',
    )
    .meta({ protects: true }),
  redis: redis.describe(
    'How to connect to a `store` in Redis or Valkey. No effect for other stores. A cluster needs no option: `store` names one of its nodes, or its configuration endpoint.',
  ),
  memory: size
    .prefault('64MiB')
    .describe(
      'How much memory cached answers may take in each process. No effect for a shared store without `tiered`.',
    ),
  tiered: flag
    .default(true)
    .describe('Also keeps entries of a shared store in memory. No effect for `memory:`.'),
  memoryBound: timeout
    .prefault('1s')
    .describe(
      'How long an answer that another gateway has invalidated may still be served from memory, even when the connection to the shared store is cut. Usually it is milliseconds. No effect for `memory:`.',
    ),
  timeout: timeout
    .prefault('50ms')
    .describe(
      'How long a shared store may take to answer before the gateway goes on without it. A request waits a quarter of that, or 8 times the recent response time of the store if that is longer.',
    ),
  prefix: z
    .string({ error: prefixRule })
    .regex(/^[\w.-]{1,64}$/, { error: prefixRule })
    .default('weir')
    .describe('The prefix of keys in a shared store. Gateways with the same prefix share their answers.')
    .meta({ protects: true }),
  compressAbove: size.prefault('1KiB').describe('Answers larger than this are compressed in a shared store.'),
  identityHeaders: z
    .array(identityHeaderName, { error: 'must be a list of header names' })
    .prefault(['authorization', 'cookie', 'x-api-key'])
    .describe(
      'Forwarded headers that only identify the caller. They are not in the cache keys of `public` answers, which all clients share. All other forwarded headers are in every cache key. Headers of `auth.oidc[].header` are always among them.',
    )
    .meta({ protects: { mayBeEmpty: true } }),
  staleWhileRevalidate: lifetime
    .prefault('0s')
    .describe(
      'How long an answer may be served stale while a fresh one is fetched (RFC 5861), if the subgraph does not say. No effect where the subgraph forbids it, as with `must-revalidate` and `s-maxage`.',
    ),
  staleIfError: lifetime
    .prefault('0s')
    .describe(
      'How long an answer may be served stale when a subgraph fails (RFC 5861), if the subgraph does not say. No effect where the subgraph forbids it, as with `must-revalidate` and `s-maxage`.',
    ),
  responses: mapOf({
    enabled: flag
      .default(true)
      .describe(
        'Caches complete answers of queries for as long as the `Cache-Control` of all their subgraph responses allows. Errors and incomplete answers are never cached.',
      )
      .meta({ protects: { values: [false] } }),
    operations: z
      .record(z.string(), cachePolicy, { error: 'must be a map of operation names' })
      .prefault({})
      .describe('Cache settings of one operation, by its name, instead of those of subgraphs.'),
    types: z
      .record(z.string(), cachePolicy, { error: 'must be a map of type names' })
      .prefault({})
      .describe(
        'Upper bounds for answers that contain objects of a type, by its name, whatever subgraphs say. What is left out has none.',
      ),
    compress: flag
      .default(true)
      .describe(
        'Compresses public answers of 1 KiB and more (br and gzip) when they are first sent from the cache to a client that accepts it: from the next time on, for all such clients.',
      ),
    clientDirectives: flag
      .default(false)
      .describe(
        'Honours `Cache-Control` in requests: `no-cache`, `no-store`, `max-age`, `min-fresh`, `only-if-cached`. Any client can then bypass the cache.',
      ),
  })
    .prefault({})
    .describe('The response cache.'),
  cdn: cdn,
  longest: timeout
    .prefault('24h')
    .describe('The longest time that an answer is kept in a shared store, stale time included.'),
  entities: mapOf({
    enabled: flag
      .default(true)
      .describe(
        'Caches entities for as long as the `Cache-Control` of their subgraph, or `subgraphs.NAME.cache`, allows.',
      )
      .meta({ protects: { values: [false] } }),
    missing: duration
      .prefault('5s')
      .describe('The longest time that a missing entity is remembered as missing.'),
  })
    .prefault({})
    .describe('The entity cache.'),
  mutations: mapOf({
    dropReturned: flag
      .default(true)
      .describe(
        'Invalidates the entities that a mutation returns, in all caches. Their keys are requested from the subgraph, too.',
      ),
    drop: z
      .record(z.string(), invalidationSchema, {
        error: 'must be a map of fields of the mutation type',
      })
      .default({})
      .describe(
        'What else a mutation invalidates, by its field: `tags`, `types`, `entities`, `subgraphs` and `operations` as `POST /cache/invalidate` takes them. Texts may contain arguments: `product-{$args.upc}`. At least one of them is needed.',
      ),
  })
    .prefault({})
    .describe('What mutations invalidate.'),
})
  .refine(({ store, redis: { iam } }) => iam === undefined || takesIam(store), {
    path: ['redis', 'iam'],
    error: `${iamRule} as \`cache.store\``,
  })
  .prefault({})
  .describe('What is cached, and where.')
  .meta({
    example: {
      store: 'rediss://cache.internal:6379',
      redis: { ca: '/etc/weir/redis-ca.pem' },
      memory: '256MiB',
      prefix: 'shop',
      identityHeaders: ['authorization'],
      staleWhileRevalidate: '30s',
      staleIfError: '10m',
      responses: {
        operations: {
          ProductPage: { maxAge: '30s', scope: 'public', staleWhileRevalidate: '10s', staleIfError: '5m' },
        },
        types: { Stock: { maxAge: '5s', scope: 'public', staleWhileRevalidate: '0s', staleIfError: '1m' } },
      },
      cdn: { enabled: true, cloudFront: { distribution: 'E2QWRUHAPOMQZL' } },
      entities: { missing: '5s' },
      mutations: {
        drop: { writeReview: { tags: ['reviews-of-{$args.input.upc}'], types: ['RatingSummary'] } },
      },
    },
  });

function isOfKnownProtocol(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  if (!Object.hasOwn(storeKinds, protocol)) return false;
  // As long as the name of a table may be.
  return protocol !== 'dynamodb:' || (hostname.length >= 3 && hostname.length <= 255);
}
