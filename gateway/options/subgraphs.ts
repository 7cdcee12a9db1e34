import { z } from 'zod';
import { errorMask } from './exposure';
import { rate } from './calls';
import { type HeadersOptions, subgraphHeaders } from './headers';
import { appSync, subgraphAuth, subgraphTls } from './subgraph-auth';
import { subgraphSubscriptions } from './subgraph-subscriptions';
import { subgraphUrl, subgraphUrlPattern } from './targets';
import { duration, flag, mapOf, text, timeout } from './values';

/** How long answers live after `maxAge`, and for whom, where it is the options that say it. */
const lifetimeOptions = {
  scope: z
    .enum(['private', 'public'], { error: 'must be private or public' })
    .default('private')
    .describe(
      'Who shares such an answer: everybody (`public`), or callers with the same identity (`private`). No effect without `maxAge`.',
    ),
  staleWhileRevalidate: duration
    .prefault('0s')
    .describe(
      'How long it may be served stale after that, while a fresh one is fetched. No effect without `maxAge`.',
    ),
  staleIfError: duration
    .prefault('0s')
    .describe(
      'How long it may be served stale after that, while the subgraph fails. No effect without `maxAge`.',
    ),
};

const endpoint = z
  .preprocess(
    (value) => (typeof value === 'string' ? { url: value } : value),
    z.strictObject(
      {
        url: subgraphUrl.describe('The URL of the endpoint, or a target.'),
        zone: text
          .optional()
          .describe('The zone that it runs in. Left out: that of Cloud Map; otherwise none.'),
      },
      { error: 'must be a URL, or a map of `url` and `zone`' },
    ),
  )
  .meta({ title: 'endpoint', short: { type: 'string', pattern: subgraphUrlPattern } });

const endpointsRule = 'must be a list of at least one endpoint';

export const subgraphs = z
  .record(
    z.string(),
    mapOf({
      url: subgraphUrl
        .optional()
        .describe(
          'The URL of the subgraph, instead of the one in the supergraph; or a target, by which its endpoints are found: `dns://HOST:PORT/PATH`, `dns+srv://_SERVICE._tcp.NAME/PATH` or `cloudmap://NAMESPACE/SERVICE/PATH` ([discovery.md](discovery.md)).',
        ),
      endpoints: z
        .array(endpoint, { error: endpointsRule })
        .min(1, { error: endpointsRule })
        .optional()
        .describe(
          'The endpoints of the subgraph, if there are several: URLs or targets, or maps of `url` and `zone`. Endpoints in the `zone` of the gateway are preferred. One that has failed is avoided for a second; then one call finds out whether it works again. One that keeps failing is not called for a while (`breaker`). Not together with `url`.',
        )
        .meta({
          example: [
            { url: 'http://stock-a.internal/graphql', zone: 'eu-central-1a' },
            'http://stock-b.internal/graphql',
          ],
        }),
      timeout: timeout
        .optional()
        .describe('How long one call of it may take, instead of `timeouts.subgraph`.')
        .meta({ protects: true }),
      rate: rate
        .describe('How many calls of it a process may send in a time, instead of `calls.rate`.')
        .meta({ protects: true, example: { limit: 100, window: '1s', wait: '50ms' } }),
      identity: z
        .enum(['forwarded', 'independent'], { error: 'must be forwarded or independent' })
        .default('forwarded')
        .describe(
          'Whether it gets headers of clients (`forwarded`). `independent` declares that its answers do not depend on who asks: it gets no client headers, only those that are `set`, and all clients can share its answers.',
        )
        .meta({ protects: { values: ['independent'] } }),
      headers: subgraphHeaders,
      maskErrors: errorMask
        .optional()
        .describe('Which of its errors lose their message and extensions, instead of `errors.maskSubgraphs`.')
        .meta({ example: 'all', protects: { values: ['all', 'unexpected'] } }),
      arrayBatching: flag
        .default(false)
        .describe(
          'Sends the queries of one turn of the event loop as one JSON array. Only for a subgraph that accepts arrays.',
        ),
      auth: subgraphAuth
        .optional()
        .describe(
          'How the gateway authenticates to it, other than by a private link: a map with a `type` (AWS_IAM, API_KEY, BEARER, CLIENT_CREDENTIALS, TOKEN_EXCHANGE) and its settings: [identity.md](identity.md#subgraphs-that-want-credentials). Left out: by a private link, if there is one.',
        )
        .meta({ protects: true }),
      appsync: appSync
        .optional()
        .describe(
          'For a subgraph that is an API of AWS AppSync: [appsync.md](appsync.md). Left out: it is none.',
        )
        .meta({ protects: true }),
      subscriptions: subgraphSubscriptions
        .prefault({})
        .describe(
          'How the gateway subscribes at it: [realtime-reference.md](realtime-reference.md#protocols-of-subgraphs).',
        )
        .meta({ example: { protocol: 'sse', reconnect: '1m' } }),
      tls: subgraphTls
        .optional()
        .describe(
          'Files in PEM: `cert` and `key`, the certificate of the gateway (mutual TLS), and `ca`, certificates to trust in addition to those that Node brings. New connections use changed files. Left out: `connections.ca` counts.',
        )
        .meta({ protects: true }),
      cache: mapOf({
        maxAge: duration
          .optional()
          .describe(
            'How long its answers are cached, in whole seconds, whatever its `Cache-Control` is, even `no-store`; 0 caches none. Left out: by its `Cache-Control`.',
          )
          .meta({ protects: true }),
        ...lifetimeOptions,
        types: z
          .record(
            z.string(),
            mapOf({
              maxAge: duration.describe('How long they are cached.').meta({ protects: true }),
              ...lifetimeOptions,
            }),
            { error: 'must be a map of types' },
          )
          .prefault({})
          .describe('The same settings for entities of one type, by its name.')
          .meta({
            example: {
              User: { maxAge: '5m', scope: 'public', staleWhileRevalidate: '30s', staleIfError: '10m' },
            },
          }),
      })
        .prefault({})
        .describe('How long its answers are cached.'),
    })
      .refine(({ url, endpoints }) => url === undefined || endpoints === undefined, {
        error: 'must have `url` or `endpoints`, not both',
      })
      .refine(({ identity, headers }) => identity === 'forwarded' || !forwards(headers), {
        error:
          'must not have both `identity: independent` and `headers` other than `set`: those depend on the client',
      })
      .refine(({ identity, auth }) => identity === 'forwarded' || auth?.type !== 'TOKEN_EXCHANGE', {
        error: 'must not have `identity: independent` with TOKEN_EXCHANGE: its token is that of the caller',
      })
      .refine(({ auth, appsync }) => auth === undefined || appsync === undefined, {
        error: 'must have `auth` or `appsync`, not both',
      })
      .refine(
        ({ appsync, url, endpoints = [] }) =>
          appsync === undefined ||
          [...(url === undefined ? [] : [{ url }]), ...endpoints].every((each) => isUrl(each.url)),
        { error: 'must not have a target with `appsync`: an AppSync API has one URL' },
      )
      .refine(({ appsync, arrayBatching }) => appsync === undefined || !arrayBatching, {
        error: 'must not have `arrayBatching`, which AppSync does not take',
      }),
    { error: 'must be a map of subgraph names' },
  )
  .prefault({})
  .describe('Settings for one subgraph, by its name.')
  .meta({
    example: {
      products: {
        url: 'http://products.internal/graphql',
        timeout: '2s',
        auth: { type: 'BEARER', token: '${file:/run/secrets/products-token}' },
        tls: { cert: '/etc/weir/cert.pem', key: '/etc/weir/key.pem', ca: '/etc/weir/internal-ca.pem' },
        cache: { maxAge: '5m', scope: 'public' },
      },
      stock: { appsync: { auth: { type: 'API_KEY', apiKey: '${STOCK_KEY}' } } },
    },
  });

const isUrl = (url: string): boolean => /^\s*https?:/i.test(url);

/** Whether rules send anything that differs between clients. */
const forwards = ({ forward, rename, claims, defaults, operationName }: HeadersOptions): boolean =>
  operationName !== undefined ||
  forward.length > 0 ||
  [rename, claims, defaults].some((rules) => Object.keys(rules).length > 0);

export const zone = text
  .optional()
  .describe(
    'The zone that the gateway runs in, such as `eu-central-1a`. It prefers subgraph endpoints in the same zone. Left out: none is preferred.',
  )
  .meta({ example: 'eu-central-1a' });
