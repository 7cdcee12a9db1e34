import { z } from 'zod';
import { invalidationSchema } from './invalidation';
import { cdn } from './cdn';
import { duration, flag, headerName, mapOf, size, timeout } from './values';

const storeRule = 'must be memory:, redis://HOST:PORT, rediss://HOST:PORT or dynamodb://TABLE';

const prefixRule = 'must be 1 to 64 letters, digits and any of _.-';

/** Public answers would be shared by clients that want different ones. */
const identityHeaderName = headerName.refine(
  (name) => !/^(accept(-.*)?|user-agent|x-forwarded-.*|forwarded|origin|referer|range|if-.*)$/.test(name),
  {
    error:
      'must not be a header that says more than who asks: public answers would be given to clients that want others',
  },
);

/** How long an answer is kept: durations, which count in whole seconds. */
const lifetime = duration.refine((value) => value <= 31_536_000_000, {
  error: 'must not be longer than 8760h',
});

const scopeRule = 'must be public or private';

const cacheScope = z.enum(['public', 'private'], { error: scopeRule });

const cachePolicy = mapOf({
  maxAge: lifetime.optional().describe('How long it is fresh.'),
  scope: cacheScope.optional().describe('Whether all clients may share it.'),
  staleWhileRevalidate: lifetime.optional().describe('In place of `cache.staleWhileRevalidate`.'),
  staleIfError: lifetime.optional().describe('In place of `cache.staleIfError`.'),
});

export const cache = mapOf({
  store: z
    .string({ error: storeRule })
    .regex(/^(memory:|rediss?:\/\/[^/].*|dynamodb:\/\/[\w.-]{3,255}(\?.*)?)$/, { error: storeRule })
    .refine((url) => URL.canParse(url), { error: storeRule })
    .default('memory:')
    .describe(
      'Where cached answers are kept: `memory:` is this process alone; `redis://HOST:PORT` (`rediss://` over TLS) is a Redis (6.2 or newer) or Valkey that gateways share; `dynamodb://TABLE?region=REGION&endpoint=URL` (both may be left out) is a table of DynamoDB with the partition key `pk` (text) and `expires` as its time to live, with credentials as the AWS SDK finds them.',
    ),
  memory: size
    .prefault('64MiB')
    .describe(
      'How much memory cached answers may take in each process. No effect without `tiered` where the store is shared.',
    ),
  tiered: flag
    .default(true)
    .describe('Keeps in memory, too, what is in a shared store. No effect for `memory:`.'),
  memoryBound: timeout
    .prefault('1s')
    .describe(
      'How long an answer that another gateway has invalidated may still be served from memory, even when the connection to the shared store is cut. Usually it is milliseconds. No effect for `memory:`.',
    ),
  timeout: timeout
    .prefault('50ms')
    .describe(
      'How long a shared store may take to answer before the gateway does without it. A request waits a quarter of that, or 8 times as long as answers took lately if that is longer.',
    ),
  prefix: z
    .string({ error: prefixRule })
    .regex(/^[\w.-]{1,64}$/, { error: prefixRule })
    .default('weir')
    .describe('What keys in a shared store begin with. Gateways with the same prefix share their answers.'),
  compressAbove: size
    .prefault('1KiB')
    .describe('The size above which answers are compressed in a shared store.'),
  identityHeaders: z
    .array(identityHeaderName, { error: 'must be a list of header names' })
    .prefault(['authorization', 'cookie', 'x-api-key'])
    .describe(
      'Forwarded headers that only say who asks. They are no part of the keys of answers that subgraphs call `public`: all clients share those. All other forwarded headers are in every key.',
    ),
  staleWhileRevalidate: lifetime
    .prefault('0s')
    .describe(
      'How long an answer is served after it was fresh while a newer one is fetched (RFC 5861), where the subgraph does not say it. No effect where it forbids that, as with `must-revalidate` and `s-maxage`.',
    ),
  staleIfError: lifetime
    .prefault('0s')
    .describe(
      'How long an answer is served after it was fresh when a subgraph fails (RFC 5861), where the subgraph does not say it. No effect where it forbids that, as with `must-revalidate` and `s-maxage`.',
    ),
  responses: mapOf({
    enabled: flag
      .default(true)
      .describe(
        'Keeps complete answers of queries for as long as the `Cache-Control` of all subgraph responses in them allows. Errors, and what is not complete, are never kept.',
      ),
    operations: z
      .record(z.string(), cachePolicy, { error: 'must be a map of operation names' })
      .default({})
      .describe('What counts for an operation, by its name, in place of what subgraphs say.'),
    types: z
      .record(z.string(), cachePolicy, { error: 'must be a map of type names' })
      .default({})
      .describe(
        'The most that is allowed for answers that hold objects of a type, by its name, whatever subgraphs say.',
      ),
    compress: flag
      .default(true)
      .describe(
        'Packs public answers of 1 KiB and more (br and gzip) when they are stored, for clients that accept it.',
      ),
    clientDirectives: flag
      .default(false)
      .describe(
        'Heeds `Cache-Control` in requests: `no-cache`, `no-store`, `max-age`, `min-fresh`, `only-if-cached`. Any client can then have its requests executed anew each time.',
      ),
  })
    .prefault({})
    .describe('The response cache.'),
  cdn: cdn,
  longest: timeout
    .prefault('24h')
    .describe('How long an answer is kept in a shared store at most, stale time included.'),
  entities: mapOf({
    enabled: flag
      .default(true)
      .describe(
        'Keeps what subgraphs say of entities, for as long as they allow it in `Cache-Control`, or `subgraphs.NAME.cache` does.',
      ),
    missing: duration
      .prefault('5s')
      .describe('How long it is remembered at most that there is no such entity.'),
  })
    .prefault({})
    .describe('The cache of entities.'),
  mutations: mapOf({
    dropReturned: flag
      .default(true)
      .describe(
        'Drops the entities that a mutation answers with from all caches. The subgraph is asked for their keys, too.',
      ),
    drop: z
      .record(z.string(), invalidationSchema, {
        error: 'must be a map of fields of the mutation type',
      })
      .default({})
      .describe(
        'What else to drop after a mutation, by its field: `tags`, `types`, `entities`, `subgraphs` and `operations` as `POST /cache/invalidate` takes them. Texts may hold arguments: `product-{$args.upc}`.',
      ),
  })
    .prefault({})
    .describe('What mutations drop from caches.'),
})
  .prefault({})
  .describe('Where answers are kept.');
