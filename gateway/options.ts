/** Longer than other files: every option stands in one schema, with its default, its rule and its documentation. */
import { z } from 'zod';
import { auditActions } from './telemetry/audit/record';
import { invalidationSchema } from './cache/invalidation';
import { limitsOptions } from './limits/options';
import { ratesOptions } from './limits/rate-options';
import { cdnOptions } from './options-cdn';
import { readOptionsFile } from './options-file';
import { persistedOperationsOptions } from './options-persisted-operations';
import { privateLinksOptions } from './options-private-links';
import { tlsOptions, trustedProxiesOptions } from './options-connections';
import { describeIssue } from './options-problem';
import { appSyncOptions, subgraphAuthOptions, subgraphTlsOptions } from './options-subgraph-auth';

/** All options of a gateway, complete: every default is in. */
export type Options = z.output<typeof optionsSchema>;
/** What may be written, in `weir.yaml`, as flags or in code. */
export type OptionsInput = Omit<z.input<typeof optionsSchema>, 'supergraph'> & {
  readonly supergraph?: string | z.input<typeof supergraphOptions> | undefined;
};

export interface LoadOptions {
  /** A YAML file. Without one, the flags and the defaults count. */
  readonly config?: string | undefined;
  /** Win over what the file says, key by key. Text that is a number or a boolean counts as one. @default {} */
  readonly flags?: { readonly [Key in keyof OptionsInput]?: unknown } | undefined;
  /** Values for `${NAME}` and `${NAME:-default}` in the file. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** An option is wrong. The message has one sentence per mistake, each on a line of its own. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Reads the options of a gateway. @throws {OptionsError} with every mistake in them. */
export function loadOptions({ config, flags = {}, env = process.env }: LoadOptions = {}): Options {
  if (config === undefined) return check(retype(flags));
  const file = readOptionsFile(config, env);
  if ('problems' in file) throw new OptionsError(file.problems);
  return check(isMap(file.value) ? merge(file.value, retype(flags)) : file.value, file.locate);
}

/** Checks and completes options that are written in code. @throws {OptionsError} with every mistake in them. */
export function parseOptions(input: OptionsInput): Options {
  return check(input);
}

const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
const flag = z.boolean({ error: 'must be true or false' });
const portRule = 'must be a whole number from 0 to 65535';
const port = z.int({ error: portRule }).min(0, { error: portRule }).max(65_535, { error: portRule });

const durationRule = 'must be milliseconds, or a number with its unit (ms, s, m or h) such as 30s';
const duration = z
  .union(
    [
      z.number({ error: durationRule }).nonnegative({ error: durationRule }),
      z.string({ error: durationRule }).regex(/^\d+(\.\d+)?(ms|s|m|h)$/, { error: durationRule }),
    ],
    { error: durationRule },
  )
  .transform((value) => toNumber(value, { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }))
  .meta({ title: 'duration' });

/** Node's timers overflow above 24.8 days, and what takes longer than a day is a mistake. */
const timeout = duration.refine((value) => value > 0 && value <= 86_400_000, {
  error: 'must be longer than 0 and not longer than 24h',
});

const sizeRule = 'must be bytes, or a number with its unit (B, KiB or MiB) such as 1MiB';
const size = z
  .union(
    [
      z.number({ error: sizeRule }),
      z.string({ error: sizeRule }).regex(/^\d+(\.\d+)?(B|KiB|MiB)$/, { error: sizeRule }),
    ],
    { error: sizeRule },
  )
  .transform((value) => Math.floor(toNumber(value, { B: 1, KiB: 1024, MiB: 1024 ** 2 })))
  .refine((value) => value >= 1 && value <= 2 ** 30, { error: 'must be from 1B to 1024MiB' })
  .meta({ title: 'size' });

/** Headers of the connection itself (RFC 9110, section 7.6.1), and those that the gateway writes to a subgraph. */
const ownHeaders = new Set(
  `connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding
  upgrade host expect content-length content-type content-encoding accept accept-encoding traceparent tracestate
  x-request-id x-request-timeout http2-settings content-digest signature signature-input weir-identity
  __proto__`.split(/\s+/),
);

const headerName = z
  .string({ error: 'must be the name of a header' })
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: 'must be the name of a header' })
  .transform((name) => name.toLowerCase())
  .refine((name) => !ownHeaders.has(name), { error: 'must not be a header that the gateway itself writes' });

/** Public answers would be shared by clients that want different ones. */
const identityHeaderName = headerName.refine(
  (name) => !/^(accept(-.*)?|user-agent|x-forwarded-.*|forwarded|origin|referer|range|if-.*)$/.test(name),
  {
    error:
      'must not be a header that says more than who asks: public answers would be given to clients that want others',
  },
);

const headerValue = z
  .string({ error: 'must be text' })
  .regex(/^[\t\x20-\x7e]*$/, { error: 'must be printable ASCII on one line' });

const origin = z
  .string({ error: 'must be an origin such as https://shop.example' })
  .refine((value) => URL.canParse(value) && new URL(value).origin === value, {
    error: 'must be an origin such as https://shop.example, without a path',
  });

const instantRule = 'must be a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z';
const instant = z
  .union([z.iso.date({ error: instantRule }), z.iso.datetime({ error: instantRule, offset: true })], {
    error: instantRule,
  })
  .meta({ title: 'date' });
const texts = z.array(text, { error: 'must be a list of text' });

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
const auditKeyRule = 'must be at least 16 characters';
const auditTrail = z
  .strictObject(
    {
      to: text,
      select: z
        .strictObject(
          {
            actions: z
              .array(z.enum(auditActions, { error: `must be one of ${auditActions.join(', ')}` }), {
                error: 'must be a list of actions',
              })
              .default([...auditActions]),
            coordinates: z.array(text, { error: 'must be a list of coordinates' }).default(['*']),
          },
          { error: 'must be a map' },
        )
        .prefault({}),
      whenSlow: z.enum(['block', 'drop'], { error: 'must be block or drop' }).default('block'),
      buffer: size.prefault('1MiB'),
    },
    { error: 'must be a map' },
  )
  .meta({ title: 'trail' });

const countRule = 'must be a whole number from 1 to 100000';
const retriesRule = 'must be a whole number from 0 to 5';
const shareRule = 'must be a share above 0 and below 1, such as 0.5';
const audienceRule = 'must be text, or a list of text';
const audiences = z
  .preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z
      .array(z.string({ error: audienceRule }).min(1, { error: audienceRule }), { error: audienceRule })
      .min(1, { error: audienceRule }),
  )
  .meta({ title: 'text or list of text' });

const keySetRule = 'must be an http or https URL, or a map with a list of `keys`';
const keySet = z
  .union(
    [z.url({ protocol: /^https?$/ }), z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) })],
    { error: keySetRule },
  )
  .meta({ title: 'URL or key set' });

const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
const algorithmsRule = `must be a list of ${algorithms.join(', ')}`;
const userPoolRule = 'must be the id of a user pool such as eu-west-1_AbCdEfGhI';

/** A file; in code, also the function itself. */
const hookModule = z
  .custom<string | ((...given: never[]) => unknown)>(
    (value) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
    { error: 'must be the file of a module' },
  )
  .meta({ title: 'file' });

const positiveRule = 'must be a whole number from 1 to 1000000';
const positiveInt = z
  .int({ error: positiveRule })
  .min(1, { error: positiveRule })
  .max(1_000_000, { error: positiveRule });

const percentageRule = 'must be a number from 0 to 100';
const percentage = z
  .number({ error: percentageRule })
  .min(0, { error: percentageRule })
  .max(100, { error: percentageRule });

const batchSizeRule = 'must be a whole number from 1 to 100000';
const storeRule = 'must be memory:, redis://HOST:PORT, rediss://HOST:PORT or dynamodb://TABLE';
const prefixRule = 'must be 1 to 64 letters, digits and any of _.-';

const scopeRule = 'must be public or private';
const cacheScope = z.enum(['public', 'private'], { error: scopeRule });
/** How long an answer is kept: durations, which count in whole seconds. */
const lifetime = duration.refine((value) => value <= 31_536_000_000, {
  error: 'must not be longer than 8760h',
});
const cachePolicy = z.strictObject(
  {
    maxAge: lifetime.optional().describe('How long it is fresh.'),
    scope: cacheScope.optional().describe('Whether all clients may share it.'),
    staleWhileRevalidate: lifetime.optional().describe('In place of `cache.staleWhileRevalidate`.'),
    staleIfError: lifetime.optional().describe('In place of `cache.staleIfError`.'),
  },
  { error: 'must be a map' },
);

const originsRule = "must be '*' or a list of origins";

const urlRule = 'must be an http(s) or s3:// URL';
const registryRule = 'must be a folder or dynamodb://TABLE?region=REGION';
const graphRule = 'must be a graph and its variant such as shop@prod';
const versionRule = 'must be the number of a version, as `weir history` lists them';

const supergraphOptions = z
  .strictObject(
    {
      file: text.optional().describe('A supergraph schema. It is watched: an edit is live at once.'),
      url: z
        .url({ protocol: /^(https?|s3)$/, error: urlRule })
        .optional()
        .describe(
          'Where a supergraph schema is fetched, again and again, if it changed: an http(s) URL, or `s3://BUCKET/KEY?region=REGION&endpoint=URL` (both may be left out), with credentials as the AWS SDK finds them.',
        ),
      registry: z
        .string({ error: registryRule })
        .min(1, { error: registryRule })
        .regex(/^(dynamodb:\/\/[\w.-]+(\?.*)?|(?!.*:\/\/).*)$/, { error: registryRule })
        .optional()
        .describe(
          'A [schema registry](registry.md), whose newest version of `graph` is run: a folder, or `dynamodb://TABLE?region=REGION`.',
        ),
      graph: z
        .string({ error: graphRule })
        .regex(/^[A-Za-z][\w-]{0,63}@[A-Za-z][\w-]{0,63}$/, { error: graphRule })
        .optional()
        .describe('The graph and its variant in the registry, such as `shop@prod`.'),
      version: z
        .int({ error: versionRule })
        .min(1, { error: versionRule })
        .optional()
        .describe('The version of the graph to stay at. Left out: the newest, always.'),
      pollInterval: timeout
        .optional()
        .describe(
          'How long to wait between two looks. Left out: 1s for a registry, 10s for a URL. No effect for a file.',
        ),
      headers: z
        .record(z.string(), text, { error: 'must be a map of headers' })
        .default({})
        .describe('Headers to fetch an http(s) URL with, such as `authorization`.'),
      keep: text
        .optional()
        .describe(
          'A file that the supergraph which runs is kept in, so that the gateway starts with it while the registry or the URL is down. Left out: `.weir/GRAPH@VARIANT.graphql` for a registry, none for a URL. No effect for a file.',
        ),
    },
    { error: 'must be a file, an http(s) or s3:// URL, registry:LOCATION#GRAPH@VARIANT or a map' },
  )
  .refine(({ file, url, registry }) => [file, url, registry].filter(isGiven).length === 1, {
    error: 'must have one of `file`, `url` and `registry`',
  })
  .refine(({ registry, graph }) => isGiven(registry) === isGiven(graph), {
    error: 'must have `registry` and `graph` together',
  });

const isGiven = (value: unknown): boolean => value !== undefined;

/** What a text alone is short for. */
function fromText(supergraph: unknown): unknown {
  if (typeof supergraph !== 'string') return supergraph;
  if (/^(https?|s3):\/\//.test(supergraph)) return { url: supergraph };
  if (!supergraph.startsWith('registry:')) return { file: supergraph };
  const [, registry, graph] = /^registry:([^#]+)#(.+@.+)$/.exec(supergraph) ?? [];
  // What is no registry is left as it is, and refused with a sentence.
  return registry === undefined ? supergraph : { registry, graph };
}

/**
 * The one list of options. The reference in `docs/` and the JSON schema for editors are made from it.
 * A default that depends on another option is not stated here: the option is left out of `Options`, and the
 * description says what then counts.
 */
export const optionsSchema = z.strictObject({
  mode: z
    .enum(['development', 'production'], { error: 'must be development or production' })
    .default('production')
    .describe(
      'What strangers may see. `development` shows Apollo Sandbox and GraphiQL, allows introspection, returns query plans to clients that ask for them, and lets Apollo Sandbox and pages of the own machine call across origins.',
    ),
  host: text
    .default('127.0.0.1')
    .describe('The address to listen on. `0.0.0.0` is every address of the machine.'),
  port: port.default(4000).describe('The port to listen on; 0 takes a free one.'),
  path: z
    .string({ error: 'must be a path such as /graphql' })
    .regex(/^\/[\w\-./]*$/, { error: 'must be a path such as /graphql' })
    .refine((path) => !/^\/(health|graphiql)(\/|$)/.test(path), {
      error: 'must not begin with /health or /graphiql',
    })
    .default('/graphql')
    .describe('The path of the GraphQL endpoint.'),
  supergraph: z
    .preprocess(fromText, supergraphOptions)
    .optional()
    .describe(
      'The supergraph to run. A text alone is short for `file`, for `url` when it is one, or for `registry` and `graph` when it is `registry:LOCATION#GRAPH@VARIANT`.',
    ),
  subgraphs: z
    .record(
      z.string(),
      z
        .strictObject(
          {
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
            auth: subgraphAuthOptions
              .optional()
              .describe(
                'How the gateway proves to it who it is, other than by a private link: a map with a `type` (AWS_IAM, API_KEY, BEARER, CLIENT_CREDENTIALS) and what goes with it: [identity.md](identity.md#subgraphs-that-want-credentials).',
              ),
            appsync: appSyncOptions
              .optional()
              .describe('For a subgraph that is an API of AWS AppSync: [appsync.md](appsync.md).'),
            tls: subgraphTlsOptions
              .optional()
              .describe(
                'Files in PEM: `cert` and `key`, by which the gateway is known there (mutual TLS), and `ca`, whom it trusts beside the certificates of the system. Files that change count for new connections.',
              ),
            cache: z
              .strictObject(
                {
                  maxAge: duration
                    .optional()
                    .describe(
                      'How long its answers live, in place of what it says in `Cache-Control`, if only `no-store`; 0 keeps none. Whole seconds. Left out: as long as it says.',
                    ),
                  ...lifetimeOptions,
                  types: z
                    .record(
                      z.string(),
                      z.strictObject(
                        { maxAge: duration.describe('How long they live.'), ...lifetimeOptions },
                        { error: 'must be a map' },
                      ),
                      { error: 'must be a map of types' },
                    )
                    .default({})
                    .describe('The same for entities of one type, by its name.'),
                },
                { error: 'must be a map' },
              )
              .prefault({})
              .describe('How long its answers are kept.'),
          },
          { error: 'must be a map' },
        )
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
    .describe('What is different for one subgraph, by its name.'),
  privateLinks: privateLinksOptions
    .prefault({})
    .describe(
      'Signs calls of subgraphs, so that these can refuse whatever else comes, and believe who the caller is: [identity.md](identity.md#private-links). Without keys nothing is signed.',
    ),
  connections: z
    .strictObject(
      {
        max: positiveInt
          .default(256)
          .describe(
            'How many connections there may be to one place of a subgraph; calls beyond wait for one.',
          ),
        connectTimeout: timeout.prefault('5s').describe('How long a connection may take to open.'),
        keepAlive: timeout
          .prefault('4s')
          .describe(
            'How long a connection is kept open that is not used, unless the subgraph says less. Less than what the subgraph keeps it for, or calls meet connections that are being closed.',
          ),
        http2: flag
          .default(false)
          .describe('Offers HTTP/2 to subgraphs. No effect for `http:` URLs, where it cannot be negotiated.'),
        compression: flag
          .default(false)
          .describe(
            'Asks subgraphs for packed responses. Worth it where the network is slower than unpacking. Those that come are unpacked whether they were asked for or not.',
          ),
        ca: text
          .optional()
          .describe(
            'A file of certificates in PEM, to be trusted in addition to those that Node brings, for subgraphs whose certificates come from an authority of your own.',
          ),
        response: size
          .prefault('32MiB')
          .describe(
            'The largest response of a subgraph, as sent and as unpacked. What is larger is an error of its fields.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('Connections to subgraphs.'),
  planning: z
    .strictObject(
      {
        timeout: timeout
          .prefault('5s')
          .describe(
            'How long an operation may take to plan. After it the client gets 503 `QUERY_PLANNING_TIMEOUT`, and the operation is refused for a minute without being tried again.',
          ),
        paths: positiveInt
          .default(5000)
          .describe(
            'The most ways to reach one selection that are compared; an operation that needs more is refused as `QUERY_TOO_COMPLEX`.',
          ),
        plans: positiveInt
          .default(1000)
          .describe('The most plans of one operation that are compared; the best of these is taken.'),
        waiting: positiveInt
          .default(500)
          .describe('How many operations may wait to be planned; more are refused at once.'),
        threads: positiveInt
          .default(2)
          .describe(
            'How many threads plan while a plan takes long; otherwise there is one. With 1, an operation that is slow to plan keeps all others waiting.',
          ),
        memory: size
          .prefault('1024MiB')
          .describe('How much memory a thread may use, at least 64MiB. A plan that needs more is refused.')
          .refine((bytes) => bytes >= 64 * 1024 ** 2, { error: 'must be from 64MiB to 1024MiB' }),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('How operations are planned, which is done in threads of their own.'),
  overrides: z
    .record(z.string(), percentage, { error: 'must be a map of labels' })
    .default({})
    .describe(
      'How many percent of the requests a progressive `@override` is on for, by its label: 0 is none, 100 is all. A label that is not listed here is on as it says itself if it is `percent(N)`, and off otherwise.',
    ),
  calls: z
    .strictObject(
      {
        dedupe: flag
          .default(true)
          .describe(
            'Lets identical queries of one subgraph share one call while it is in flight, where the forwarded headers are equal too.',
          ),
        batch: flag
          .default(true)
          .describe(
            'Lets fetches of entities of several clients go in one call, where they ask for the same fields and the forwarded headers are equal.',
          ),
        batchWindow: z
          .enum(['turn', '1ms'], { error: 'must be turn or 1ms' })
          .default('turn')
          .describe(
            'How long a fetch waits for others: for the rest of a turn of the event loop, or for a millisecond. No effect while no other request with equal forwarded headers is being served: then nothing waits.',
          ),
        batchSize: z
          .int({ error: batchSizeRule })
          .min(1, { error: batchSizeRule })
          .max(100_000, { error: batchSizeRule })
          .default(1000)
          .describe(
            'How many entities a call that was put together asks for at most. One client alone may ask for more.',
          ),
        concurrency: z
          .int({ error: countRule })
          .min(1, { error: countRule })
          .max(100_000, { error: countRule })
          .default(256)
          .describe('How many calls of one subgraph may be on their way at once.'),
        waiting: z
          .int({ error: countRule })
          .min(1, { error: countRule })
          .max(100_000, { error: countRule })
          .default(2048)
          .describe(
            'How many more calls of one subgraph may wait for one of those to end. What is over that fails at once.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('How calls of subgraphs are saved, and bounded. Mutations are never shared.'),
  zone: text
    .optional()
    .describe(
      'Where the gateway stands, such as `eu-central-1a`: it prefers the endpoints of subgraphs there.',
    ),
  retries: z
    .strictObject(
      {
        max: z
          .int({ error: retriesRule })
          .min(0, { error: retriesRule })
          .max(5, { error: retriesRule })
          .default(1)
          .describe(
            'How often a query is sent to a subgraph again that was not reached, or answered with 429, 502, 503 or 504. Never a mutation; nothing where most calls fail; nothing after the time that a call may take.',
          ),
        pause: timeout
          .prefault('50ms')
          .describe(
            'How long to wait before the first retry at most, where the subgraph does not say it with `Retry-After`; twice that before the next, and so on. The time is drawn at random.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('What is sent again.'),
  breaker: z
    .strictObject(
      {
        enabled: flag.default(true).describe('Leaves an endpoint of a subgraph alone that fails.'),
        failures: z
          .number({ error: shareRule })
          .gt(0, { error: shareRule })
          .lt(1, { error: shareRule })
          .default(0.5)
          .describe(
            'The share of calls above which it is left alone that had no answer, or one with a status from 500 on.',
          ),
        atLeast: z
          .int({ error: countRule })
          .min(1, { error: countRule })
          .max(100_000, { error: countRule })
          .default(20)
          .describe('How many calls there must have been in the window before that counts.'),
        window: timeout.prefault('10s').describe('The time over which calls are counted.'),
        pause: timeout
          .prefault('1s')
          .describe(
            'How long it is left alone before one call tries whether it is back. The others fail at once until that has worked.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('When a subgraph is not called for a while.'),
  headers: z
    .strictObject(
      {
        forward: z
          .array(headerName, { error: 'must be a list of header names' })
          .prefault(['authorization'])
          .describe(
            'The headers of a client that reach the subgraphs. `x-request-id`, `traceparent` and `tracestate` always do, and so does `x-request-timeout`: how many milliseconds are left for the answer.',
          ),
        rename: z
          .record(headerName, headerName, { error: 'must be a map of header names' })
          .default({})
          .describe('Headers of a client that reach the subgraphs under another name: `theirs: ours`.'),
        set: z
          .record(headerName, headerValue, { error: 'must be a map of headers' })
          .default({})
          .describe('Headers that every call of a subgraph has, whatever the client sent.'),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('What clients and subgraphs see of each other.'),
  timeouts: z
    .strictObject(
      {
        request: timeout
          .prefault('30s')
          .describe(
            'How long a request may take in all. After it the client gets 504, and what runs for it is ended.',
          ),
        subgraph: timeout
          .prefault('10s')
          .describe('How long one call of a subgraph may take. After it its fields are null, with an error.'),
        client: timeout
          .prefault('10s')
          .describe(
            'How long a connection of a client may stand still, beyond `request`, before it is cut: a client that does not read its answer.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('How long things may take.'),
  tls: tlsOptions,
  trustedProxies: trustedProxiesOptions,
  errors: z
    .strictObject(
      {
        maskSubgraphs: z
          .enum(['all', 'unexpected', 'none'], { error: 'must be all, unexpected or none' })
          .optional()
          .describe(
            'Which errors that subgraphs answer with lose their message and extensions; codes stay. `unexpected` are those without a code of their own, or with INTERNAL_SERVER_ERROR: what a subgraph did not mean to say. Left out: `unexpected` in production, `none` in development.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({}),
  limits: limitsOptions(size)
    .prefault({})
    .describe('How much a client may ask for: [security.md](security.md) says how to choose.'),
  rates: ratesOptions(duration)
    .default([])
    .describe(
      'How often clients may ask: who sends more is refused with 429 `RATE_LIMITED`. A request counts for each rate that its sender is subject to. Gateways with the same `cache.store` in Redis or Valkey count together; otherwise each process counts for itself. [security.md](security.md#rates-and-quotas) has examples.',
    ),
  overload: z
    .strictObject(
      {
        requests: z
          .int({ error: countRule })
          .min(1, { error: countRule })
          .max(100_000, { error: countRule })
          .default(4096)
          .describe('How many requests may be served at once in a process.'),
        delay: timeout
          .prefault('40ms')
          .describe(
            'How late the event loop may be, which each request waits on top of its own work. While it is later, fewer requests are served at once, but never fewer than 64.',
          ),
        unread: size
          .prefault('128MiB')
          .describe(
            'How much of answers may wait in a process for clients to read them. While it is more, requests are refused, and connections are cut on which something has waited for a second, those first that keep the most.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe(
      'When a process refuses requests with 503 `OVERLOADED`. It also does while its heap is 90 % full.',
    ),
  cache: z
    .strictObject(
      {
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
          .describe('How long a shared store may take to answer before the gateway does without it.'),
        prefix: z
          .string({ error: prefixRule })
          .regex(/^[\w.-]{1,64}$/, { error: prefixRule })
          .default('weir')
          .describe(
            'What keys in a shared store begin with. Gateways with the same prefix share their answers.',
          ),
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
        responses: z
          .strictObject(
            {
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
            },
            { error: 'must be a map' },
          )
          .prefault({})
          .describe('The response cache.'),
        cdn: cdnOptions(duration.prefault('5s'))
          .prefault({})
          .describe('What a CDN before the gateway is told.'),
        longest: timeout
          .prefault('24h')
          .describe('How long an answer is kept in a shared store at most, stale time included.'),
        entities: z
          .strictObject(
            {
              enabled: flag
                .default(true)
                .describe(
                  'Keeps what subgraphs say of entities, for as long as they allow it in `Cache-Control`, or `subgraphs.NAME.cache` does.',
                ),
              missing: duration
                .prefault('5s')
                .describe('How long it is remembered at most that there is no such entity.'),
            },
            { error: 'must be a map' },
          )
          .prefault({})
          .describe('The cache of entities.'),
        mutations: z
          .strictObject(
            {
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
            },
            { error: 'must be a map' },
          )
          .prefault({})
          .describe('What mutations drop from caches.'),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('Where answers are kept.'),
  persistedOperations: persistedOperationsOptions
    .prefault({})
    .describe(
      'Operations that clients name in place of sending them: [caching.md](caching.md#persisted-operations).',
    ),
  auth: z
    .strictObject(
      {
        anonymous: flag
          .default(false)
          .describe(
            'Lets requests without credentials in, as nobody. Wrong credentials are refused all the same. No effect while no mode is configured: then everybody is nobody.',
          ),
        apiKeys: z
          .array(
            z.strictObject(
              {
                client: text.describe('Whose key it is. Several keys may have the same client.'),
                sha256: z
                  .string({ error: 'must be the SHA-256 of a key, 64 hexadecimal digits' })
                  .regex(/^[0-9a-f]{64}$/i, {
                    error: 'must be the SHA-256 of a key, 64 hexadecimal digits',
                  })
                  .describe('The SHA-256 of the key, in hexadecimal digits. The key itself stands nowhere.'),
                expires: instant.optional().describe('From when on it is refused. Left out: never.'),
                groups: texts.default([]).describe('Groups that who sends it is in.'),
                scopes: texts.default([]).describe('Scopes that who sends it has.'),
              },
              { error: 'must be a map' },
            ),
            { error: 'must be a list' },
          )
          .default([])
          .describe('Keys that are sent in `x-api-key`.'),
        iam: z
          .strictObject(
            {
              keys: z
                .array(
                  z.strictObject(
                    {
                      accessKeyId: text.describe('As AWS names it.'),
                      secretAccessKey: text.describe(
                        'Its secret. Write `${NAME}` and keep it in the environment.',
                      ),
                      sessionToken: text.optional().describe('What goes with a temporary key.'),
                      subject: text.optional().describe('The user whose key it is. Left out: none.'),
                      client: text
                        .optional()
                        .describe('The application whose key it is. Left out: `accessKeyId`.'),
                      groups: texts.default([]).describe('Groups that who signs with it is in.'),
                      scopes: texts.default([]).describe('Scopes that who signs with it has.'),
                    },
                    { error: 'must be a map' },
                  ),
                  { error: 'must be a list' },
                )
                .default([])
                .describe('The keys that requests may be signed with.'),
              module: hookModule
                .optional()
                .describe(
                  'A module whose default export looks other keys up: `(accessKeyId, sessionToken)` to `{ secretAccessKey, … }` with the members of `keys`, or nothing for a key that is not known. Asked again after five minutes.',
                ),
              hosts: texts
                .min(1, { error: 'must name at least one host' })
                .optional()
                .describe(
                  'The hosts that signatures are good for, with the port where it is not the default one. Left out: the `Host` header, which a load balancer may have changed, and which a request that was signed for another service could bring along.',
                ),
              service: text.default('appsync').describe('The service that signatures must be for.'),
              region: text.optional().describe('The region that they must be for. Left out: any.'),
              clockSkew: timeout
                .prefault('5m')
                .describe('How far the time of a signature may be from that of the gateway.'),
            },
            { error: 'must be a map' },
          )
          .refine(({ keys, module }) => keys.length > 0 || module !== undefined, {
            error: 'must have `keys` or a `module`',
          })
          .optional()
          .describe('Requests that are signed with AWS Signature Version 4.'),
        oidc: z
          .array(
            z
              .strictObject(
                {
                  issuer: httpUrl.describe('What the claim `iss` says, to the letter.'),
                  jwks: keySet
                    .optional()
                    .describe(
                      "Where the issuer's keys are: the URL of a JSON Web Key Set, or such a set itself. Left out: as OpenID Connect Discovery finds it.",
                    ),
                  audience: audiences
                    .optional()
                    .describe(
                      'What the claim `aud` must have one of. Either this or `clients` is needed, or both.',
                    ),
                  clients: audiences
                    .optional()
                    .describe('What the claim `azp`, `client_id` or `cid` must be one of.'),
                  algorithms: z
                    .array(z.enum(algorithms, { error: algorithmsRule }), { error: algorithmsRule })
                    .min(1, { error: algorithmsRule })
                    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
                    .describe('The algorithms that a token may be signed with.'),
                  clockSkew: duration
                    .prefault('30s')
                    .describe('How far clocks may be apart at `exp` and `nbf`.'),
                  groupsClaim: text
                    .default('groups')
                    .describe(
                      'The claim with the groups of a user; `realm_access.roles` is a claim inside of a claim.',
                    ),
                },
                { error: 'must be a map' },
              )
              .refine(({ audience, clients }) => audience !== undefined || clients !== undefined, {
                error:
                  'must have `audience` or `clients`: a token that was issued for another application is no proof',
              }),
            { error: 'must be a list' },
          )
          .default([])
          .describe('Issuers of JSON Web Tokens: providers of OpenID Connect.'),
        cognito: z
          .array(
            z.strictObject(
              {
                userPool: z
                  .string({ error: userPoolRule })
                  .regex(/^[a-z]{2}(-[a-z]+)+-\d_\w+$/, { error: userPoolRule })
                  .describe('The id of the pool, such as `eu-west-1_AbCdEfGhI`.'),
                clients: audiences.describe('The ids of the app clients whose tokens are good.'),
                tokenUse: z
                  .enum(['any', 'access', 'id'], { error: 'must be any, access or id' })
                  .default('any')
                  .describe('Which of its tokens are good.'),
                issuer: httpUrl
                  .optional()
                  .describe('What `iss` says, for an emulator. Left out: as AWS says it.'),
                jwks: keySet.optional().describe("Where the pool's keys are. Left out: below the issuer."),
                clockSkew: duration
                  .prefault('30s')
                  .describe('How far clocks may be apart at `exp` and `nbf`.'),
              },
              { error: 'must be a map' },
            ),
            { error: 'must be a list' },
          )
          .default([])
          .describe('User pools of Amazon Cognito.'),
        lambda: z
          .strictObject(
            {
              function: text.optional().describe('The name or ARN of a function of AWS Lambda.'),
              region: text
                .optional()
                .describe('Where it is. Left out: as the AWS SDK finds it. No effect without `function`.'),
              url: httpUrl
                .optional()
                .describe('An endpoint that gets the event in a POST, and answers with the result.'),
              headers: z
                .record(z.string(), text, { error: 'must be a map of headers' })
                .default({})
                .describe('Headers to call the endpoint with. No effect without `url`.'),
              module: hookModule
                .optional()
                .describe('A module whose default export is called with the event.'),
              ttl: duration
                .prefault('5m')
                .describe('How long an answer without `ttlOverride` is good for a token.'),
              timeout: timeout
                .prefault('5s')
                .describe('How long it may take to answer. After it the client gets 503.'),
              apiId: text.default('weir').describe('What `requestContext.apiId` says.'),
              accountId: text.default('000000000000').describe('What `requestContext.accountId` says.'),
            },
            { error: 'must be a map' },
          )
          .refine(
            (given) =>
              [given.function, given.url, given.module].filter((way) => way !== undefined).length === 1,
            {
              error: 'must have exactly one of `function`, `url` and `module`',
            },
          )
          .optional()
          .describe(
            "An authoriser of one's own, with the contract of AppSync's Lambda authorisers. It decides on every `authorization` that is not of another mode.",
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe(
      'How clients prove who they are: [identity.md](identity.md). Without a mode, nothing is asked of anybody.',
    ),
  cors: z
    .strictObject(
      {
        origins: z
          .union([z.literal('*', { error: originsRule }), z.array(origin, { error: originsRule })], {
            error: originsRule,
          })
          .optional()
          .describe(
            "The pages that may call from a browser, by origin; `'*'` is every page. Left out: none in production; Apollo Sandbox and pages of the own machine in development.",
          ),
        credentials: flag
          .default(false)
          .describe('Lets those pages send cookies. Not together with `*`: that would be every page.'),
      },
      { error: 'must be a map' },
    )
    .refine(({ origins, credentials }) => !(origins === '*' && credentials), {
      error: "must not allow credentials for every origin: list the origins in place of '*'",
    })
    .prefault({})
    .describe('Which web pages of other origins may call.'),
  authorization: z
    .strictObject(
      {
        refused: z
          .enum(['null', 'reject'], { error: 'must be null or reject' })
          .default('null')
          .describe(
            'What becomes of an operation that asks for something its caller may not see. `null`: that is null, with an error, and all else is answered. `reject`: nothing is, the answer is 403.',
          ),
        introspection: z
          .enum(['all', 'visible'], { error: 'must be all or visible' })
          .default('all')
          .describe(
            'What of the schema a caller is shown: `visible` is what this caller may see of it. No effect where introspection is off.',
          ),
        policies: z
          .strictObject(
            {
              module: hookModule
                .optional()
                .describe(
                  'A JavaScript module whose default export is a function of the names of some policies and an identity. It returns, or resolves with, an object that holds `true` for each policy that is met.',
                ),
              url: httpUrl
                .optional()
                .describe(
                  'Where `{"policies": […], "identity": {…}}` is posted. The answer is `{"policies": {"NAME": true, …}}`.',
                ),
              headers: z
                .record(headerName, headerValue, { error: 'must be a map of headers' })
                .default({})
                .describe('Headers to post with, such as `authorization`. No effect for a module.'),
              timeout: timeout
                .prefault('1s')
                .describe('How long an answer may take. After it none of the policies counts as met.'),
              ttl: duration
                .prefault('60s')
                .describe('How long an answer is kept for the same caller and policy.'),
            },
            { error: 'must be a map' },
          )
          .refine(({ module, url }) => (module === undefined) !== (url === undefined), {
            error: 'must have either `module` or `url`',
          })
          .optional()
          .describe('Who says which policies of `@policy` a caller meets. Left out: none is ever met.'),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe(
      'What `@authenticated`, `@requiresScopes` and `@policy` do to callers who may not see something.',
    ),
  introspection: flag
    .optional()
    .describe(
      'Lets clients ask for the schema. Left out: in development only. `limits.classes` can allow it for some.',
    ),
  admin: z
    .strictObject(
      {
        enabled: flag.default(true).describe('Serves metrics and health on a port of its own.'),
        host: text
          .default('127.0.0.1')
          .describe(
            'Its address. Health, and without a `token` metrics too, need no credentials: keep it private.',
          ),
        port: port.default(9464).describe('Its port; 0 takes a free one.'),
        token: z
          .string({ error: 'must be text' })
          .regex(/^[\w\-.~+/]{16,}=*$/, { error: 'must be at least 16 letters, digits and any of -._~+/' })
          .optional()
          .describe(
            'What callers must send as a bearer token, for all but health. Left out: metrics need none, and `POST /cache/invalidate` is not there.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('The port for operators.'),
  usage: z
    .strictObject(
      {
        enabled: flag
          .default(true)
          .describe(
            'Counts which fields, arguments, enum values and input fields clients use, by their `apollographql-client-name` and `-version`, and writes the counters to the registry, for `weir check`. Values are never recorded. No effect unless the supergraph comes from a registry.',
          ),
        interval: timeout
          .prefault('30s')
          .describe(
            'How long to wait between two writes: what a process that is killed had not written yet is lost.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('What is recorded of the use of the schema.'),
  audit: z
    .strictObject(
      {
        trails: z
          .array(auditTrail, { error: 'must be a list of trails' })
          .default([])
          .describe(
            'Where it is recorded who did what: each is a map of `to` (a file, or `stdout`), `select` (`actions` of `mutation`, `cache.invalidate`, `supergraph.swap` and `configuration.reload`, default all; `coordinates` of mutations such as `Mutation.place*`, default all), `whenSlow` (`block`, the default, lets mutations wait while the trail cannot be written; `drop` goes on without a record, and counts it) and `buffer` (how much may wait to be written, default 1MiB).',
          ),
        redact: z
          .array(text, { error: 'must be a list of names' })
          .default([
            '*password*',
            '*passwd*',
            '*secret*',
            '*token*',
            '*authorization*',
            '*apikey*',
            '*api_key*',
            '*card*',
            'cvv',
            'cvc',
            'iban',
            'pin',
            'ssn',
            '*email*',
            '*phone*',
          ])
          .describe(
            'Arguments and input fields whose values are left out of records, by name; `*` stands for anything, and case does not matter.',
          ),
        key: z
          .string({ error: auditKeyRule })
          .min(16, { error: auditKeyRule })
          .optional()
          .describe(
            'A secret with which records are chained, so that only who knows it can write a whole new trail. Left out: anyone who can write to the file can, from some record on.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe(
      'Audit trails: a line of JSON for each mutation and each administrative action, chained by hashes. `weir audit verify` finds lines that were changed or moved, or removed from between others; to find out that the last ones are missing, it has to be told the last hash with `--last`.',
    ),
  logging: z
    .strictObject(
      {
        level: z
          .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'], {
            error: 'must be silent, fatal, error, warn, info, debug or trace',
          })
          .default('info')
          .describe('The least important lines to write. Requests are logged at `info`.'),
        sampling: positiveInt
          .default(1)
          .describe(
            'Of how many requests one has its line: 1 is all of them. Those that are answered with a status from 400 on, and those whose client left, have one in any case.',
          ),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('The log: lines of JSON on standard output.'),
  shutdown: z
    .strictObject(
      {
        delay: duration
          .prefault('0s')
          .describe(
            'How long to go on accepting connections after readiness fails, so that load balancers notice.',
          ),
        grace: duration
          .prefault('20s')
          .describe('How long requests in flight may take to finish after that. What is left is cut.'),
      },
      { error: 'must be a map' },
    )
    .prefault({})
    .describe('What happens when the gateway is told to stop.'),
});

function check(input: unknown, locate: (path: readonly PropertyKey[]) => string = () => ''): Options {
  const { data, error } = optionsSchema.safeParse(input);
  if (data) return data;
  throw new OptionsError(
    error.issues.flatMap((issue) =>
      describeIssue(issue, input, optionsSchema).map(({ path, sentence }) => `${locate(path)}${sentence}`),
    ),
  );
}

/** Maps are merged key by key; anything else in `over` replaces what is in `under`. */
function merge(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over === undefined ? under : over;
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(merged[key], value);
  return merged;
}

function retype(value: unknown): unknown {
  if (typeof value === 'string')
    return /^(\d+|true|false)$/.test(value) ? (JSON.parse(value) as unknown) : value;
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, retype(member)]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toNumber(value: string | number, units: Record<string, number>): number {
  if (typeof value === 'number') return value;
  const [, amount, unit] = /^([\d.]+)(\D+)$/.exec(value)!;
  return Number(amount) * units[unit!]!;
}
