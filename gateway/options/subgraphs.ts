import { z } from 'zod';
import { appSync, subgraphAuth, subgraphTls } from './subgraph-auth';
import { duration, flag, httpUrl, mapOf, text, timeout } from './values';

/** How long answers live after `maxAge`, and for whom, where it is the options that say it. */
const lifetimeOptions = {
  scope: z
    .enum(['private', 'public'], { error: 'must be private or public' })
    .default('private')
    .describe(
      'Whom such an answer is for: everybody, or those with the same identity. No effect without `maxAge`.',
    ),
  staleWhileRevalidate: duration
    .prefault('0s')
    .describe(
      'How long it may be served after that while a newer one is fetched. No effect without `maxAge`.',
    ),
  staleIfError: duration
    .prefault('0s')
    .describe('How long it may be served after that while the subgraph fails. No effect without `maxAge`.'),
};

const endpoint = z
  .preprocess(
    (value) => (typeof value === 'string' ? { url: value } : value),
    z.strictObject(
      { url: httpUrl, zone: text.optional() },
      { error: 'must be a URL, or a map of `url` and `zone`' },
    ),
  )
  .meta({ title: 'endpoint' });

const endpointsRule = 'must be a list of at least one endpoint';

export const subgraphs = z
  .record(
    z.string(),
    mapOf({
      url: httpUrl.optional().describe('Where the subgraph is, in place of the URL in the supergraph.'),
      endpoints: z
        .array(endpoint, { error: endpointsRule })
        .min(1, { error: endpointsRule })
        .optional()
        .describe(
          'Where the subgraph is, when it is in several places: URLs, or maps of `url` and `zone`. Those in the own `zone` are preferred; one that fails is left alone for a while. Not together with `url`.',
        ),
      timeout: timeout.optional().describe('In place of `timeouts.subgraph`.'),
      identity: z
        .enum(['forwarded', 'independent'], { error: 'must be forwarded or independent' })
        .default('forwarded')
        .describe(
          'Whose requests it sees. `independent` says that its answers depend on nobody: it gets no headers of clients, and all clients can share its answers.',
        ),
      arrayBatching: flag
        .default(false)
        .describe(
          'Sends queries of one turn of the event loop as one JSON array. Only for a subgraph that takes this.',
        ),
      auth: subgraphAuth
        .optional()
        .describe(
          'How the gateway proves to it who it is, other than by a private link: a map with a `type` (AWS_IAM, API_KEY, BEARER, CLIENT_CREDENTIALS) and what goes with it: [identity.md](identity.md#subgraphs-that-want-credentials).',
        ),
      appsync: appSync
        .optional()
        .describe('For a subgraph that is an API of AWS AppSync: [appsync.md](appsync.md).'),
      tls: subgraphTls
        .optional()
        .describe(
          'Files in PEM: `cert` and `key`, by which the gateway is known there (mutual TLS), and `ca`, whom it trusts beside the certificates of the system. Files that change count for new connections.',
        ),
      cache: mapOf({
        maxAge: duration
          .optional()
          .describe(
            'How long its answers live, in place of what it says in `Cache-Control`, if only `no-store`; 0 keeps none. Whole seconds. Left out: as long as it says.',
          ),
        ...lifetimeOptions,
        types: z
          .record(
            z.string(),
            mapOf({ maxAge: duration.describe('How long they live.'), ...lifetimeOptions }),
            { error: 'must be a map of types' },
          )
          .default({})
          .describe('The same for entities of one type, by its name.'),
      })
        .prefault({})
        .describe('How long its answers are kept.'),
    })
      .refine(({ url, endpoints }) => url === undefined || endpoints === undefined, {
        error: 'must have `url` or `endpoints`, not both',
      })
      .refine(({ auth, appsync }) => auth === undefined || appsync === undefined, {
        error: 'must have `auth` or `appsync`, not both',
      })
      .refine(({ appsync, arrayBatching }) => appsync === undefined || !arrayBatching, {
        error: 'must not have `arrayBatching`, which AppSync does not take',
      }),
    { error: 'must be a map of subgraph names' },
  )
  .default({})
  .describe('What is different for one subgraph, by its name.');

export const zone = text
  .optional()
  .describe(
    'Where the gateway stands, such as `eu-central-1a`: it prefers the endpoints of subgraphs there.',
  );
