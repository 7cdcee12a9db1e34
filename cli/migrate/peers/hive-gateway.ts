/** Over 300 lines: the table of one gateway. */
import { Code, type ForeignValue, isMap } from '../foreign';
import type { Peer } from '../peer';
import { type CodeNames, readCode } from '../readers/code';
import { aside, different, guards, none, type Row, same, Table, type Outcome } from '../table';
import type { Position } from '../translate';
import { byHand, choice, count, duration, flag, noOption, seconds, texts, to } from '../values';
import { byName, propagationRows, takeSentHeader } from './hive-gateway-headers';
import { setCollector, setCollectorHeader } from './otlp';
import { takeRedis } from './redis';
import {
  forAllIssuers,
  neverInCookies,
  ofHeaders,
  takeAlgorithms,
  takeAudiences,
  takeHeader,
  takeIssuers,
  takeKeySet,
  takePrefix,
  takeSecret,
} from './tokens';

const extension = 'Write it as a [hook, an interceptor](extending.md) or another part of an extension.';

/** A value that code works out. */
const ifKnown =
  (path: string, convert: (value: ForeignValue) => unknown) =>
  (value: ForeignValue, at: Position): Outcome | undefined =>
    value instanceof Code ? noOption(`Code decides it. ${extension}`) : to(path, convert)(value, at);

const number = (value: ForeignValue): unknown => (typeof value === 'string' ? value : count(value));

const supergraphRows: readonly Row[] = [
  same('supergraph', '`supergraph`', (value, at) => {
    if (typeof value !== 'string')
      return byHand('Code loads it: name a file, a URL or a registry as `supergraph`.');
    if (/[{\n]/.test(value.replaceAll(/\$\{[^${}]*\}/g, '')))
      return byHand('Write the schema into a file, and name it as `supergraph`.');
    at.set('supergraph', value);
    return undefined;
  }),
  same('supergraph.endpoint', '`supergraph.url`', (value, at) => {
    if (typeof value !== 'string') return byHand('Write the URL as `supergraph.url`.');
    at.set('supergraph.url', `${value.replace(/\/(?:supergraph)?$/, '')}/supergraph`);
    const interval = at.inFile('pollingInterval');
    if (interval !== undefined) to('supergraph.pollInterval', duration)(interval, at);
    return undefined;
  }),
  same('supergraph.key', '`supergraph.headers.x-hive-cdn-key`', to('supergraph.headers.x-hive-cdn-key')),
  same('supergraph.type', '`supergraph`', (value) =>
    value === 'hive'
      ? undefined
      : byHand(
          'GraphOS is not contacted: publish the supergraph to a file, a URL or a [registry](registry.md).',
        ),
  ),
  different(
    ['supergraph.graphRef', 'supergraph.apiKey', 'supergraph.upLink'],
    '`supergraph`',
    'GraphOS is not contacted: publish the supergraph to a file, a URL or a [registry](registry.md).',
  ),
  none('supergraph.**', 'While it cannot be fetched, the last one stays in use.'),
  same('pollingInterval', '`supergraph.pollInterval`', (_, at) => {
    const source = at.inFile('supergraph');
    if (typeof source === 'string' && /^https?:|^\$\{/.test(source))
      return byHand('Write `supergraph` as a map of `url` and `pollInterval`; the default is 10 s.');
    return isMap(source) ? undefined : { becomes: 'same', note: 'An edit of the file is live at once.' };
  }),
  different('subgraph', '`supergraph`', 'Compose it: `weir compose`.'),
  different('proxy.**', '`supergraph`', 'Compose a supergraph of the API: `weir compose`.'),
  none(['schema', 'schema.**', 'skipValidation'], 'Operations are always checked against the supergraph.'),
  none(['additionalTypeDefs', 'additionalResolvers', 'additionalResolvers.**'], 'Write a subgraph.'),
  none(['transports', 'transports.**'], 'Subgraphs speak GraphQL over HTTP.'),
  same('transportEntries.*.location', '`subgraphs.NAME.url`', (value, at) =>
    at.names[0]!.includes('*') ? byHand('Write it for each subgraph.') : to('subgraphs.*.url')(value, at),
  ),
  same('transportEntries.*.headers.*', '`subgraphs.NAME.headers.set`, `.forward`', takeSentHeader),
  different(
    ['transportEntries.*.headers', 'transportEntries.*.headers.**'],
    '`subgraphs.NAME.headers.set`',
    byName,
  ),
  same(
    'transportEntries.*.options.subscriptions.kind',
    '`subgraphs.NAME.subscriptions.protocol`',
    (value, at) => {
      const protocols = new Map([
        ['ws', 'websocket'],
        ['http-callback', 'callback'],
        ['http', 'sse'],
      ]);
      if (at.names[0]!.includes('*')) return byHand('Write it for each subgraph.');
      return choice('subgraphs.*.subscriptions.protocol', protocols)(value, at);
    },
  ),
  same(
    [
      'transportEntries.*.options.subscriptions.ws.endpoint',
      'transportEntries.*.options.subscriptions.location',
    ],
    '`subgraphs.NAME.subscriptions.url`',
    (value, at) => {
      if (at.names[0]!.includes('*') || typeof value !== 'string' || !/^(?:https?|wss?):|^\$\{/.test(value))
        return byHand('Write the whole URL for each subgraph as `subgraphs.NAME.subscriptions.url`.');
      at.set('subgraphs.*.subscriptions.url', value);
      return undefined;
    },
  ),
  none(
    'transportEntries.**',
    'Times, retries and connections are [options](configuration.md) of all subgraphs.',
  ),
];

const serverRows: readonly Row[] = [
  same(
    'host',
    '`host`',
    ifKnown('host', (value) =>
      value === 'localhost' ? '127.0.0.1' : typeof value === 'string' ? value : undefined,
    ),
  ),
  same('port', '`port`', ifKnown('port', number)),
  same(
    'graphqlEndpoint',
    '`path`',
    ifKnown('path', (value) => (typeof value === 'string' ? value : undefined)),
  ),
  different('fork', '', 'Start with `--workers N`, or `--workers auto`.'),
  same('sslCredentials.cert_file_name', '`tls.cert`', to('tls.cert')),
  same('sslCredentials.key_file_name', '`tls.key`', to('tls.key')),
  ...guards(
    same(
      'sslCredentials.ca_file_name',
      '`tls.clientCa`',
      to('tls.clientCa'),
      'Clients without a certificate are refused.',
    ),
  ),
  none('sslCredentials.**', 'TLS 1.2 or newer, with the ciphers of Node; keys without a passphrase.'),
  none(
    ['browser', 'landingPage', 'graphiql', 'graphiql.**', 'renderGraphiQL'],
    'GraphiQL and Sandbox are part of `mode: development`.',
  ),
  none('maxHeaderSize', 'The limits of Node for headers count: 16 KiB.'),
  none(
    'disableWebsockets',
    'WebSockets are served at the path of the endpoint; a proxy in front can refuse them.',
  ),
  different(
    ['healthCheckEndpoint', 'readinessCheckEndpoint'],
    '',
    'The paths are `/health/live` and `/health/ready`.',
  ),
  none(
    ['productName', 'productDescription', 'productPackageName', 'productLogo', 'productLink', 'cwd'],
    'There is nothing to name.',
  ),
  same('logging', '`logging.level`', (value, at) => {
    if (value === false) at.set('logging.level', 'silent');
    if (typeof value === 'boolean') return undefined;
    return typeof value === 'string'
      ? to('logging.level')(value, at)
      : noOption('The log is JSON lines on standard output, for any collector.');
  }),
  none(
    ['fetchAPI', 'fetchAPI.**', 'customAgent', 'pubsub', 'pubsub.**'],
    'Connections are those of [`connections`](configuration.md#connections); an interceptor sees each call.',
  ),
  none(
    [
      'jit',
      'deferStream',
      'executionCancellation',
      'upstreamCancellation',
      'cookies',
      'contentEncoding',
      'contentEncoding.**',
    ],
    'It needs no option: `@defer`, cancelling and compression are on.',
  ),
  none('multipart', 'Clients upload to [presigned URLs](clients.md#file-uploads).'),
  different(
    ['requestId', 'requestId.**'],
    '`headers.forward`',
    'Each request has an id; with `x-request-id` in the list it is that of the client.',
  ),
  none(
    [
      '__experimental__batchExecution',
      '__experimental__batchDelegateOptions',
      '__experimental__batchDelegateOptions.**',
    ],
    'Entities are always fetched in batches.',
  ),
  none('webhooks', 'Subgraphs call back at [`subscriptions.callback`](realtime-reference.md).'),
];

const accessRows = (): Row[] =>
  guards(
    same('csrfPrevention', '`csrf.enabled`', (value, at) =>
      typeof value === 'boolean' ? at.set('csrf.enabled', value) : undefined,
    ),
    same('csrfPrevention.requestHeaders', '`csrf.headers`', (value, at) =>
      at.set('csrf.headers', texts(value) ?? []),
    ),
    ...jwtRows(),
    different(
      ['genericAuth', 'genericAuth.**'],
      '`auth.lambda.module`',
      "A module with the contract of AppSync's Lambda authorisers decides about credentials: [identity.md](identity.md).",
    ),
    different(
      ['hmacSignature', 'hmacSignature.**'],
      '`privateLinks`',
      'Subgraphs check [private links](identity.md#private-links), or signatures of RFC 9421.',
    ),
    different(
      ['awsSigv4', 'awsSigv4.**'],
      '`subgraphs.NAME.auth`',
      'Write `{ type: AWS_IAM, service, region }` for each subgraph, and `auth.iam` for what comes in; credentials are those that the AWS SDK finds.',
    ),
    different(
      ['rateLimiting', 'rateLimiting.**'],
      '`rates`',
      'Rates are for callers, not for fields: use `@cost` for expensive fields.',
    ),
    same('demandControl.maxCost', '`limits.cost`', to('limits.cost', count)),
    same('demandControl.listSize', '`limits.assumedListSize`', (value, at) =>
      value === 0
        ? byHand('The least is 1: the default counts.')
        : to('limits.assumedListSize', count)(value, at),
    ),
    aside(
      different(
        'demandControl.**',
        '`limits.cost`',
        'The cost is that of the [specification](security.md), with `@cost` and `@listSize`.',
      ),
    ),
    same('maxDepth', '`limits.depth`', to('limits.depth', count)),
    same('maxTokens', '`limits.tokens`', to('limits.tokens', count)),
    aside(different(['blockFieldSuggestions'], '', 'Suggestions of names are only in development.')),
    same('persistedDocuments.allowArbitraryDocuments', '`persistedOperations.mode`', (value, at) => {
      if (typeof value !== 'boolean')
        return noOption(
          `Code decides it: refuse operations in the hook [\`onOperation\`](extending.md#hooks).`,
        );
      at.set('persistedOperations.mode', value ? 'allow-unknown' : 'reject');
      return undefined;
    }),
    same('persistedDocuments.allowArbitraryOperations', '`persistedOperations.mode`', (value, at) =>
      typeof value === 'boolean'
        ? at.set('persistedOperations.mode', value ? 'allow-unknown' : 'reject')
        : noOption('Code decides it.'),
    ),
    different(
      'persistedDocuments.**',
      '`persistedOperations.manifest`',
      'Manifests are files, in the format of Apollo or Relay.',
    ),
    same(
      'maskedErrors',
      '`errors.maskSubgraphs`',
      choice(
        'errors.maskSubgraphs',
        new Map([
          [true, 'unexpected'],
          [false, 'none'],
        ] as const),
      ),
    ),
    aside(
      different('maskedErrors.**', '`errors.maskSubgraphs`', 'Errors are masked by the message of Weir.'),
    ),
    different('disableIntrospection', '`introspection`', 'It is off in production.'),
    different(
      'disableIntrospection.**',
      '`introspection`, `limits.classes[].introspection`',
      'It is off in production, and can be on for classes of clients.',
    ),
    none(['plugins', 'plugins.**'], extension),
  );

function corsRows(): Row[] {
  return [
    same('cors', '`cors.origins`', (value) =>
      value === false
        ? { becomes: 'same', note: 'No page of another origin may call.' }
        : byHand('Write the origins as `cors.origins`.'),
    ),
    same('cors.origin', '`cors.origins`', (value, at) => {
      const origins = texts(value);
      if (origins === undefined) return byHand('Write the origins as `cors.origins`.');
      at.set('cors.origins', origins.includes('*') ? '*' : origins);
      return undefined;
    }),
    same('cors.credentials', '`cors.credentials`', to('cors.credentials', flag)),
    same('cors.allowedHeaders', '`cors.allowHeaders`', to('cors.allowHeaders', texts)),
    same('cors.exposedHeaders', '`cors.exposeHeaders`', to('cors.exposeHeaders', texts)),
    same('cors.maxAge', '`cors.maxAge`', to('cors.maxAge', seconds)),
    none('cors.methods', 'GET and POST, always.'),
  ];
}

const issuer = 'jwt';

function jwtRows(): Row[] {
  const providers = (name: string): string[] =>
    ['signingKeyProviders', 'singingKeyProviders'].map((list) => `jwt.${list}.*.${name}`);
  const remote = 'createRemoteJwksSigningKeyProvider';
  const isSecret = (at: Position): boolean =>
    ['signingKeyProviders', 'singingKeyProviders'].some(
      (list) => at.inFile('jwt', list, '0', 'createInlineSigningKeyProvider') !== undefined,
    );
  const slotOf = (at: Position): string => (at.names[0] === '0' ? issuer : `${issuer}-${at.names[0]}`);
  const needAnonymous = (at: Position): void =>
    at.otherwise(
      ['auth', 'anonymous'],
      at.inFile('jwt', 'reject', 'missingToken') === false,
      'as `jwt.reject.missingToken` is',
    );
  return [
    same(providers(`${remote}.jwksUri`), '`auth.oidc[].jwks`', (value, at) => {
      needAnonymous(at);
      return takeKeySet(value, at, slotOf(at));
    }),
    aside(none(providers(`${remote}.**`), 'Keys are fetched again when they are unknown or old.')),
    same(providers('createInlineSigningKeyProvider'), '`auth.oidc[].secret`', (value, at) => {
      needAnonymous(at);
      return takeSecret(value, at, slotOf(at));
    }),
    same('jwt.tokenVerification.issuer', '`auth.oidc[].issuer`', (value, at) =>
      takeIssuers(value, at, issuer, undefined),
    ),
    same('jwt.tokenVerification.audience', '`auth.oidc[].audience`', (value, at) =>
      takeAudiences(value, at, issuer),
    ),
    same('jwt.tokenVerification.algorithms', '`auth.oidc[].algorithms`', (value, at) =>
      takeAlgorithms(value, at, issuer, isSecret(at)),
    ),
    same(
      'jwt.tokenLookupLocations.*.extractFromHeader.name',
      '`auth.oidc[].header`',
      (value, at) => takeHeader(value, at, forAllIssuers(Number(at.names[0]))),
      ofHeaders,
    ),
    same('jwt.tokenLookupLocations.*.extractFromHeader.prefix', '`auth.oidc[].prefix`', (value, at) =>
      takePrefix(value, at, forAllIssuers(Number(at.names[0]))),
    ),
    aside(
      none(
        [
          'jwt.tokenLookupLocations.*.extractFromCookie.**',
          'jwt.tokenLookupLocations.*',
          'jwt.tokenLookupLocations',
        ],
        neverInCookies,
      ),
    ),
    same('jwt.reject.missingToken', '`auth.anonymous`', (value, at) =>
      typeof value === 'boolean' ? at.set('auth.anonymous', !value) : byHand('Set `auth.anonymous` by hand.'),
    ),
    different('jwt.reject.invalidToken', '', 'A token that is wrong is always refused.', (value) =>
      value === true ? { becomes: 'same', note: 'It is always so.' } : undefined,
    ),
    aside(
      different(
        ['jwt.forward', 'jwt.forward.**', 'jwt.forwarded.**'],
        '`headers.claims`',
        'Subgraphs get claims in headers, and the token in its own header: name what they need.',
      ),
    ),
    aside(
      different(
        'jwt.extendContext',
        '`headers.claims`',
        'Extensions know the caller; subgraphs get claims in headers.',
      ),
    ),
    different(['jwt', 'jwt.**'], '`auth.oidc`', 'Write it as an issuer of `auth.oidc`.'),
  ];
}

const callRows = (): Row[] => [
  ...propagationRows,
  same('upstreamTimeout', '`timeouts.subgraph`', ifKnown('timeouts.subgraph', duration)),
  same('upstreamTimeout.subgraphTimeout', '`timeouts.subgraph`', ifKnown('timeouts.subgraph', duration)),
  same('requestTimeout', '`timeouts.request`', ifKnown('timeouts.request', duration)),
  same('requestDeadline', '`timeouts.request`', ifKnown('timeouts.request', duration)),
  same('upstreamRetry.maxRetries', '`retries.max`', ifKnown('retries.max', count)),
  same('upstreamRetry.retryDelay', '`retries.pause`', ifKnown('retries.pause', duration)),
  none(
    ['upstreamRetry', 'upstreamRetry.**'],
    'Queries are retried that were not answered, or with 429, 502, 503 or 504.',
  ),
  same(['upstreamCircuitBreaker.**', 'circuitBreaker.**'], '', undefined, '`breaker` is on by default.'),
  same('batching', '`limits.batch`', (value, at) =>
    value === true ? at.set('limits.batch', 10) : undefined,
  ),
  same('batching.limit', '`limits.batch`', to('limits.batch', count)),
  same('subgraphErrors', '', undefined, 'Errors name the service.'),
  different('subgraphErrors.**', '', 'Errors keep their codes, and name the service.'),
  same(
    ['inboundInflightRequestDeduplication', 'inboundInflightRequestDeduplication.**'],
    '`calls.coalesce`',
    undefined,
    'It is on by default.',
  ),
  different(
    ['progressiveOverride', 'progressiveOverride.**'],
    '`overrides`',
    'Write for each label a percentage, or the claim or header that decides.',
  ),
  same('cache.type', '`cache.store`', (value) =>
    value === 'redis' || value === 'localforage'
      ? undefined
      : byHand('Stores are memory, Redis, Valkey and DynamoDB: write `cache.store`.'),
  ),
  same('cache.url', '`cache.store`', takeRedis),
  same('cache.host', '`cache.store`', (value, at) => {
    const port = at.beside('port');
    return typeof value === 'string'
      ? takeRedis(`${value}:${typeof port === 'string' || typeof port === 'number' ? port : 6379}`, at, {
          password: at.beside('password'),
        })
      : byHand('Write `cache.store`.');
  }),
  same(['cache.port', 'cache.password'], '`cache.store`'),
  none(['cache', 'cache.**'], 'The store is written as one URL: `cache.store`.'),
  same('responseCaching.ttl', '`subgraphs.NAME.cache.maxAge`', () =>
    byHand(
      'Answers live as long as `Cache-Control` of their subgraphs allows; write `subgraphs.NAME.cache.maxAge` for those that send none.',
    ),
  ),
  different(
    ['responseCaching', 'responseCaching.**'],
    '`cache.responses`',
    'Answers are cached as `Cache-Control` allows, for each identity or for all.',
  ),
];

const noSetup =
  'Spans go to a collector by OTLP: write `telemetry.traces.otlp`. The SDK that the code sets up is not used.';

/** Where exporters stand; what their name leaves open, the usual port of gRPC tells. */
const exporters: readonly { readonly key: string; readonly isHttp: (url: string) => boolean }[] = [
  { key: 'openTelemetry.exporters.*.createOtlpHttpExporter', isHttp: () => true },
  { key: 'openTelemetry.exporters.*.createOtlpGrpcExporter', isHttp: () => false },
  ...['openTelemetry.exporters.*', 'openTelemetrySetup.traces.exporter.OTLPTraceExporter'].map((key) => ({
    key,
    isHttp: (url: string) => !/:4317(?:\/|$)/.test(url),
  })),
];

const telemetryRows: readonly Row[] = [
  same('prometheus.port', '`admin.port`', to('admin.port', number)),
  different(
    ['prometheus', 'prometheus.**'],
    '',
    'Metrics are at `/metrics` of the `admin` port, with [names of their own](metrics.md).',
  ),
  same('openTelemetry.serviceName', '`telemetry.resource`', (value, at) =>
    typeof value === 'string'
      ? at.set(['telemetry', 'resource', 'service.name'], value)
      : noOption('Code decides it.'),
  ),
  ...exporters.flatMap(({ key, isHttp }) => [
    same(`${key}.url`, '`telemetry.traces.otlp.url`, `.protocol`', (value, at) =>
      typeof value === 'string'
        ? setCollector(at, 'traces', value, isHttp(value))
        : byHand('Code decides it: write `telemetry.traces.otlp.url`.'),
    ),
    same(`${key}.headers.*`, '`telemetry.traces.otlp.headers`', (value, at) =>
      value instanceof Code
        ? byHand('Code decides it: write `telemetry.traces.otlp.headers`.')
        : setCollectorHeader(at, 'traces', at.names.at(-1)!, value),
    ),
    none(`${key}.**`, 'Spans are sent in batches, as `telemetry.traces` has it.'),
  ]),
  ...(
    [
      ['serviceName', 'service.name'],
      ['serviceVersion', 'service.version'],
    ] as const
  ).map(([name, attribute]) =>
    same(`openTelemetrySetup.resource.${name}`, '`telemetry.resource`', (value, at) =>
      typeof value === 'string'
        ? at.set(['telemetry', 'resource', attribute], value)
        : byHand('Code decides it: write `telemetry.resource`.'),
    ),
  ),
  different('openTelemetrySetup.**', '`telemetry.traces`', noSetup),
  different(['openTelemetry', 'openTelemetry.**'], '`telemetry.traces`', noSetup),
  none(['reporting', 'reporting.**'], 'Usage goes to the [registry](registry.md) of Weir: `usage`.'),
];

const factories: ReadonlySet<string> = new Set([
  'createRemoteJwksSigningKeyProvider',
  'createInlineSigningKeyProvider',
  'extractFromHeader',
  'extractFromCookie',
  'createOtlpHttpExporter',
  'createOtlpGrpcExporter',
  'OTLPTraceExporter',
]);

const names: CodeNames = {
  exported: 'gatewayConfig',
  factories,
  returning: new Set(['fromClientToSubgraphs', 'fromSubgraphsToClient']),
  statements: new Set(['openTelemetrySetup']),
};

export const hiveGateway: Peer = {
  name: 'hive-gateway',
  title: 'Hive Gateway',
  fileName: 'gateway.config.ts',
  format: 'code',
  table: new Table([
    ...supergraphRows,
    ...serverRows,
    ...corsRows(),
    ...accessRows(),
    ...callRows(),
    ...telemetryRows,
  ]),
  defaults: [
    { path: ['host'], value: '0.0.0.0', reason: 'the default of Hive Gateway' },
    {
      path: ['headers', 'forward'],
      value: [],
      reason: 'Hive Gateway forwards no header unless the configuration does',
    },
  ],
  read: (file, text) => readCode(file, text, names),
};
