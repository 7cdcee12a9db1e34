/** Over 300 lines: the table of one gateway. */
import { type ForeignValue, plain, textOf } from '../foreign';
import type { Peer } from '../peer';
import { readYaml } from '../readers/yaml';
import { aside, different, guards, none, type Row, same, Table, type Outcome } from '../table';
import type { Position } from '../translate';
import {
  byHand,
  choice,
  count,
  duration,
  flag,
  noOption,
  originPattern,
  seconds,
  size,
  text,
  texts,
  to,
} from '../values';
import { headerRules } from './header-rules';
import { setCollector, setCollectorHeader, type Signal } from './otlp';
import {
  forAllIssuers,
  keySetOf,
  needIssuer,
  neverInCookies,
  ofHeaders,
  takeAlgorithms,
  takeAudiences,
  takeHeader,
  takeKeySet,
  takePrefix,
} from './tokens';

const expression = 'It is an expression: work it out in an [extension](extending.md), or write a value.';

const listenerRows: readonly Row[] = [
  same('http.host', '`host`', to('host')),
  same(
    'http.port',
    '`port`',
    to('port', (value) => (typeof value === 'string' ? value : count(value))),
  ),
  same('http.graphql_endpoint', '`path`', to('path')),
  none('http.**', 'Workers are `--workers`; slow clients are cut by `overload` and `timeouts.client`.'),
  different(
    ['graphiql.enabled', 'laboratory.enabled'],
    '`mode: development`',
    'The pages are part of the mode, which also allows introspection.',
  ),
  none(['graphiql.**', 'laboratory.**'], 'The pages are part of `mode: development`.'),
  same('introspection.enabled', '`introspection`', to('introspection', flag)),
  same('introspection', '`introspection`', to('introspection', flag)),
  none('introspection.**', 'It is on or off, or by `limits.classes[].introspection` for some clients.'),
  different('supergraph.source', '`supergraph`', 'A file, a URL or a registry.', (value) =>
    value === 'file' || value === 'hive' ? { becomes: 'same', note: '' } : undefined,
  ),
  same('supergraph.path', '`supergraph.file`', to('supergraph.file')),
  same('supergraph.endpoint', '`supergraph.url`', (value, at) => {
    const [url] = texts(value) ?? [];
    if (url === undefined) return byHand('Write the URL of the supergraph.');
    at.set('supergraph.url', `${url.replace(/\/(?:supergraph)?$/, '')}/supergraph`);
    return undefined;
  }),
  same('supergraph.key', '`supergraph.headers.x-hive-cdn-key`', to('supergraph.headers.x-hive-cdn-key')),
  same('supergraph.poll_interval', '`supergraph.pollInterval`', (value, at) =>
    at.beside('source') === 'hive'
      ? to('supergraph.pollInterval', duration)(value, at)
      : { becomes: 'same', note: 'An edit of the file is live at once.' },
  ),
  none(
    [
      'supergraph.request_timeout',
      'supergraph.connect_timeout',
      'supergraph.retry_policy.**',
      'supergraph.accept_invalid_certs',
    ],
    'The last supergraph stays in use while it cannot be fetched; `supergraph.keep` keeps a copy.',
  ),
  none('query_planner.**', 'Planning takes microseconds; [`planning`](configuration.md#planning) bounds it.'),
  same('log.level', '`logging.level`', to('logging.level')),
  same(
    'log.format',
    '`logging.format`',
    choice(
      'logging.format',
      new Map([
        ['json', 'json'],
        ['pretty-tree', 'pretty'],
        ['pretty-compact', 'pretty'],
        ['text', 'pretty'],
      ]),
    ),
  ),
  none('log.filter', '`logging.level` counts for all parts.'),
  same('log.service.exporters.*.level', '`logging.level`', to('logging.level')),
  same(
    'log.service.exporters.*.format',
    '`logging.format`',
    choice(
      'logging.format',
      new Map([
        ['json', 'json'],
        ['text', 'pretty'],
      ]),
    ),
  ),
  none(
    'log.**',
    'The log is on standard output, with [fields of its own](logs.md); `logging.fields` adds headers and claims.',
  ),
];

const accessRows = (): Row[] => [
  ...guards(
    same('csrf.enabled', '`csrf.enabled`', to('csrf.enabled', flag)),
    same('csrf.required_headers', '`csrf.headers`', (value, at) =>
      Array.isArray(value) && value.length > 0 ? at.set('csrf.headers', value) : undefined,
    ),
    ...jwtRows(),
    different(
      'authorization.directives.enabled',
      '',
      '`@authenticated` and `@requiresScopes` always count.',
      (value) => (value === true ? { becomes: 'same', note: 'They always count.' } : undefined),
    ),
    same(
      'authorization.directives.unauthorized.mode',
      '`authorization.refused`',
      choice(
        'authorization.refused',
        new Map([
          ['filter', 'null'],
          ['reject', 'reject'],
        ]),
      ),
    ),
    none('coprocessor.**', 'Write [hooks and interceptors](extending.md) in TypeScript or JavaScript.'),
    none('plugins.**', 'Write [hooks and interceptors](extending.md) in TypeScript or JavaScript.'),
    different(
      'hmac_signature.**',
      '`privateLinks`',
      'Subgraphs check [private links](identity.md#private-links), or signatures of RFC 9421.',
    ),
  ),
  ...corsRows(),
  ...signingRows(),
];

const slot = 'jwt';
const isOn = (at: Position): boolean => at.inFile('jwt', 'enabled') === true;

/** The first key set stands for all issuers, the others are items of their own. */
const slotOf = (at: Position): string => (at.names[0] === '0' ? slot : `${slot}-${at.names[0]}`);

function takeProvider(value: ForeignValue, at: Position): Outcome | undefined {
  if (!isOn(at)) return { becomes: 'same', note: 'It is switched off.' };
  at.otherwise(
    ['auth', 'anonymous'],
    at.inFile('jwt', 'require_authentication') !== true,
    'as `jwt.require_authentication` is',
  );
  return takeKeySet(value, at, slotOf(at));
}

/** The keys of an issuer: of the provider with its number, else of the first one. */
const keySetFor = (at: Position, i: number): string | undefined => {
  for (const number of [i, 0])
    for (const key of ['url', 'path', 'file']) {
      const keys = keySetOf(at.inFile('jwt', 'jwks_providers', `${number}`, key));
      if (keys !== undefined) return keys;
    }
  return undefined;
};

function jwtRows(): Row[] {
  /** What counts for the tokens of all key sets. */
  const forAll =
    (act: (value: ForeignValue, at: Position, slotName: string) => Outcome | undefined) =>
    (value: ForeignValue, at: Position): Outcome | undefined => {
      if (!isOn(at)) return { becomes: 'same', note: 'It is switched off.' };
      const sets = at.inFile('jwt', 'jwks_providers');
      const names = Array.from({ length: Array.isArray(sets) ? sets.length : 1 }, (_, i) =>
        i === 0 ? slot : `${slot}-${i}`,
      );
      return names.map((name) => act(value, at, name)).find((outcome) => outcome !== undefined);
    };
  const whereOn =
    (take: typeof takeHeader) =>
    (value: ForeignValue, at: Position): Outcome | undefined =>
      isOn(at)
        ? take(value, at, forAllIssuers(Number(at.names[0])))
        : { becomes: 'same', note: 'It is switched off.' };
  return [
    same('jwt.enabled', '`auth.oidc`'),
    same('jwt.jwks_providers.*.url', '`auth.oidc[].jwks`', (value, at) => takeProvider(value, at)),
    same('jwt.jwks_providers.*.source', '`auth.oidc[].jwks`'),
    same(['jwt.jwks_providers.*.path', 'jwt.jwks_providers.*.file'], '`auth.oidc[].jwks`', (value, at) =>
      takeProvider(value, at),
    ),
    aside(
      none('jwt.jwks_providers.*.polling_interval', 'Keys are fetched again when they are unknown or old.'),
    ),
    aside(none('jwt.jwks_providers.*.prefetch', 'Keys are fetched with the first token.')),
    different(
      'jwt.issuers',
      '`auth.oidc[].issuer`',
      'Each issuer has keys of its own: check which is whose.',
      (value, at) => {
        const issuers = texts(value) ?? [];
        if (!isOn(at)) return { becomes: 'same', note: 'It is switched off.' };
        for (const [i, issuer] of issuers.entries()) {
          const name = i === 0 ? slot : `${slot}-${i}`;
          at.set(['auth', 'oidc', `[${name}]`, 'issuer'], issuer);
          const keys = keySetFor(at, i);
          if (keys !== undefined) at.set(['auth', 'oidc', `[${name}]`, 'jwks'], keys);
          const audiences = at.inFile('jwt', 'audiences');
          if (audiences !== undefined) takeAudiences(audiences, at, name);
          needIssuer(at, name);
        }
        return issuers.length === 1 ? { becomes: 'same', note: '' } : undefined;
      },
    ),
    same('jwt.audiences', '`auth.oidc[].audience`', forAll(takeAudiences)),
    same(
      'jwt.allowed_algorithms',
      '`auth.oidc[].algorithms`',
      forAll((value, at, name) => takeAlgorithms(value, at, name)),
    ),
    same('jwt.require_authentication', '`auth.anonymous`', (value, at) => {
      if (isOn(at) && typeof value === 'boolean') at.set('auth.anonymous', !value);
    }),
    same('jwt.lookup_locations.*.source', '`auth.oidc[].header`', (value) =>
      value === 'header' ? undefined : noOption(neverInCookies),
    ),
    same(
      'jwt.lookup_locations.*.name',
      '`auth.oidc[].header`',
      (value, at) =>
        at.beside('source') === 'header' ? whereOn(takeHeader)(value, at) : noOption(neverInCookies),
      ofHeaders,
    ),
    same('jwt.lookup_locations.*.prefix', '`auth.oidc[].prefix`', whereOn(takePrefix)),
    aside(
      different(
        'jwt.forward_claims_to_upstream_extensions.**',
        '`headers.claims`',
        'Subgraphs get claims in headers: name each one.',
      ),
    ),
    aside(
      none(
        'jwt.scopes_claim',
        'Scopes are those of `scope` and `scp`; groups come from `auth.oidc[].groupsClaim`.',
      ),
    ),
  ];
}

function corsRows(): Row[] {
  const policy = (name: string): string => `cors.policies.*.${name}`;
  const isOff = (at: Position): boolean => at.inFile('cors', 'enabled') === false;
  const each = (name: string, option: string, convert: (value: ForeignValue) => unknown): Row[] => [
    same(`cors.${name}`, `\`cors.${option}\``, (value, at) =>
      isOff(at) ? undefined : to(`cors.${option}`, convert)(value, at),
    ),
    same(policy(name), `\`cors.policies[].${option}\``, (value, at) =>
      isOff(at) ? undefined : to(`cors.policies.[*].${option}`, convert)(value, at),
    ),
  ];
  return [
    same('cors.enabled', '`cors.origins`'),
    same('cors.allow_any_origin', '`cors.origins`', (value, at) => {
      if (value === true && !isOff(at)) at.set('cors.origins', '*');
    }),
    same(policy('origins'), '`cors.policies[].origins`', (value, at) => {
      if (!isOff(at)) at.add('cors.policies.[*].origins', ...(texts(value) ?? []));
    }),
    different(
      policy('match_origin'),
      '`cors.policies[].origins`',
      'Write each origin; `*` may stand for one label of the host.',
      (value, at) => {
        const patterns = (texts(value) ?? []).map((each) => originPattern(each));
        if (patterns.includes(undefined))
          return byHand('No pattern is equal to this regular expression: write each origin.');
        if (!isOff(at)) at.add('cors.policies.[*].origins', ...(patterns as string[]));
        return undefined;
      },
    ),
    ...each('allow_credentials', 'credentials', flag),
    ...each('allow_headers', 'allowHeaders', texts),
    ...each('expose_headers', 'exposeHeaders', texts),
    ...each('max_age', 'maxAge', seconds),
    none(['cors.methods', policy('methods')], 'GET and POST, always.'),
  ];
}

function signingRows(): Row[] {
  const key = (name: string): string[] =>
    ['default_chain', 'hardcoded'].map((way) => `aws_sig_v4.subgraphs.*.${way}.${name}`);
  return [
    same(key('region'), '`subgraphs.NAME.auth.region`', (value, at) => {
      at.set('subgraphs.*.auth.type', 'AWS_IAM');
      return to('subgraphs.*.auth.region')(value, at);
    }),
    same(
      [...key('service'), ...key('service_name')],
      '`subgraphs.NAME.auth.service`',
      to('subgraphs.*.auth.service'),
    ),
    ...guards(
      different(
        'aws_sig_v4.**',
        '`subgraphs.NAME.auth`',
        'Write `{ type: AWS_IAM, service, region }` for each subgraph; credentials are those that the AWS SDK finds.',
      ),
    ),
  ];
}

const operationRows = (): Row[] => [
  ...guards(
    ...(
      [
        ['max_depth.n', 'limits.depth'],
        ['max_tokens.n', 'limits.tokens'],
        ['max_aliases.n', 'limits.aliases'],
        ['max_directives.n', 'limits.directives'],
      ] as const
    ).map(([name, option]) => same(`limits.${name}`, `\`${option}\``, to(option, count))),
  ),
  same('limits.max_request_body_size', '`limits.body`', to('limits.body', size)),
  none('limits.max_depth.**', 'Fragments count with what they hold; introspection has the same limit.'),
  ...guards(
    same('demand_control.enabled', '`limits.cost`'),
    same('demand_control.mode', '`limits.cost`', (value) =>
      value === 'measure'
        ? byHand('Costs are measured in `weir_operation_cost`; `limits.cost` counts in any case.')
        : undefined,
    ),
    same('demand_control.strategy.static_estimated.max', '`limits.cost`', (value, at) =>
      at.inFile('demand_control', 'enabled') === true && at.inFile('demand_control', 'mode') === 'enforce'
        ? to('limits.cost', count)(value, at)
        : byHand('It was not enforced there: `limits.cost` is left at its default.'),
    ),
    same('demand_control.strategy.static_estimated.list_size', '`limits.assumedListSize`', (value, at) =>
      value === 0
        ? byHand('The least is 1: the default counts.')
        : to('limits.assumedListSize', count)(value, at),
    ),
  ),
  none('demand_control.**', 'The cost is that of the whole operation, before it runs; it is in the metrics.'),
  ...guards(
    same('persisted_documents.enabled', '`persistedOperations`'),
    same('persisted_documents.require_id', '`persistedOperations.mode`', (value, at) => {
      if (value === true && at.beside('enabled') === true) at.set('persistedOperations.mode', 'reject');
    }),
    same('persisted_documents.storage.path', '`persistedOperations.manifest`', (value, at) =>
      at.inFile('persisted_documents', 'enabled') === true
        ? to('persistedOperations.manifest')(value, at)
        : undefined,
    ),
    aside(
      different(
        'persisted_documents.storage.type',
        '`persistedOperations.manifest`',
        'Manifests are files, in the format of Apollo or Relay.',
      ),
    ),
    different(
      'persisted_documents.storage.**',
      '`persistedOperations.manifest`',
      'Manifests are files: fetch it before the start.',
    ),
  ),
  same('persisted_documents.log_missing_id', '`persistedOperations.mode`', (value, at) => {
    if (value === true && at.beside('require_id') !== true) at.set('persistedOperations.mode', 'log');
  }),
  same('persisted_documents.storage.watch', '', undefined, 'A changed manifest is read at once.'),
  different(
    'persisted_documents.extractors.**',
    '',
    'The id is in `documentId`, or the hash of `persistedQuery`.',
  ),
  ...guards(
    same(
      'error_masking.all.error_message',
      '`errors.maskSubgraphs`',
      choice(
        'errors.maskSubgraphs',
        new Map([
          [true, 'all'],
          [false, 'none'],
        ] as const),
      ),
    ),
    same(
      'error_masking.subgraphs.*.error_message',
      '`subgraphs.NAME.maskErrors`',
      choice(
        'subgraphs.*.maskErrors',
        new Map([
          [true, 'all'],
          [false, 'none'],
        ] as const),
      ),
    ),
  ),
  none(
    'error_masking.**',
    'Codes stay; message and all other extensions are masked together, with a message of Weir.',
  ),
];

const callRows = (): Row[] => [
  same('traffic_shaping.router.request_timeout', '`timeouts.request`', to('timeouts.request', duration)),
  same('traffic_shaping.router.dedupe.enabled', '`calls.coalesce`', to('calls.coalesce', flag)),
  different(
    'traffic_shaping.router.dedupe.headers',
    '`calls.sharedHeaders`',
    'All forwarded headers must be equal, but for those that are listed there.',
  ),
  different(
    'traffic_shaping.router.dedupe.headers.include',
    '`calls.sharedHeaders`',
    'All forwarded headers must be equal, but for those that are listed there.',
  ),
  ...guards(
    same(
      'traffic_shaping.router.max_long_lived_clients',
      '`subscriptions.connections`',
      to('subscriptions.connections', count),
      'Of WebSockets, in each process.',
    ),
  ),
  same('traffic_shaping.max_connections_per_host', '`connections.max`', to('connections.max', count)),
  same('traffic_shaping.all.request_timeout', '`timeouts.subgraph`', to('timeouts.subgraph', duration)),
  same(
    'traffic_shaping.subgraphs.*.request_timeout',
    '`subgraphs.NAME.timeout`',
    to('subgraphs.*.timeout', duration),
  ),
  none(
    [
      'traffic_shaping.all.request_timeout.expression',
      'traffic_shaping.subgraphs.*.request_timeout.expression',
    ],
    'One timeout for all operations: write a duration.',
  ),
  same('traffic_shaping.all.dedupe_enabled', '`calls.dedupe`', to('calls.dedupe', flag)),
  none('traffic_shaping.subgraphs.*.dedupe_enabled', '`calls.dedupe` counts for all subgraphs.'),
  different(
    'traffic_shaping.all.pool_idle_timeout',
    '`connections.keepAlive`',
    'The default of 4 s is shorter than what servers keep; write it if yours keep more.',
  ),
  none('traffic_shaping.subgraphs.*.pool_idle_timeout', '`connections.keepAlive` counts for all subgraphs.'),
  same('traffic_shaping.all.circuit_breaker.enabled', '`breaker.enabled`', to('breaker.enabled', flag)),
  same(
    'traffic_shaping.all.circuit_breaker.error_threshold',
    '`breaker.failures`',
    to('breaker.failures', shareOf),
  ),
  same(
    'traffic_shaping.all.circuit_breaker.volume_threshold',
    '`breaker.atLeast`',
    to('breaker.atLeast', count),
  ),
  same('traffic_shaping.all.circuit_breaker.reset_timeout', '`breaker.pause`', to('breaker.pause', duration)),
  none('traffic_shaping.subgraphs.*.circuit_breaker.**', '`breaker` counts for all subgraphs.'),
  same(
    ['override_subgraph_urls.*.url', 'override_subgraph_urls.subgraphs.*.url'],
    '`subgraphs.NAME.url`',
    to('subgraphs.*.url', text),
  ),
  none(
    [
      'override_subgraph_urls.*.url.expression',
      'override_subgraph_urls.subgraphs.*.url.expression',
      'override_subgraph_urls.all.**',
    ],
    `${expression} An interceptor can send a call elsewhere.`,
  ),
  same('override_labels.*', '`overrides`', (value, at) =>
    typeof value === 'boolean' ? at.set('overrides.*', value ? 100 : 0) : byHand('Write a percentage.'),
  ),
  none(
    'override_labels.*.expression',
    `${expression} \`overrides\` takes a percentage, a claim or a header.`,
  ),
  same('subscriptions.enabled', '', undefined, 'Subscriptions are always on.'),
  ...subscriptionRows(),
  none(
    'websocket.**',
    'Clients subscribe at the path of the endpoint, over WebSocket, SSE or multipart; `subscriptions.connectionParams` names what counts as headers.',
  ),
];

const shareOf = (value: ForeignValue): unknown => {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(textOf(value)) ?? [];
  return percent === undefined ? (typeof value === 'number' ? value : undefined) : Number(percent) / 100;
};

function subscriptionRows(): Row[] {
  const callback = 'subscriptions.callback';
  return [
    same(`${callback}.public_url`, '`subscriptions.callback.publicUrl`', (value, at) => {
      if (typeof value !== 'string' || !URL.canParse(value))
        return to('subscriptions.callback.publicUrl')(value, at);
      at.set('subscriptions.callback.publicUrl', new URL(value).origin);
      return byHand(
        'Callbacks come to a port of its own: `subscriptions.callback.port`, which this URL must reach.',
      );
    }),
    same(`${callback}.path`, '`subscriptions.callback.path`', to('subscriptions.callback.path')),
    same(`${callback}.listen`, '`subscriptions.callback.host`, `.port`', (value) =>
      value === null ? undefined : byHand('Write `subscriptions.callback.host` and `.port`.'),
    ),
    different(
      `${callback}.heartbeat_interval`,
      '`subgraphs.NAME.subscriptions.heartbeat`',
      'Write it for each subgraph; the default is 30 s.',
    ),
    same(`${callback}.subgraphs`, '`subgraphs.NAME.subscriptions.protocol`', (value, at) => {
      for (const name of texts(value) ?? [])
        at.set(['subgraphs', name, 'subscriptions', 'protocol'], 'callback');
    }),
    different(
      'subscriptions.websocket.all.**',
      '`subgraphs.NAME.subscriptions`',
      'WebSocket is the default, at the URL of the subgraph: write what differs for each subgraph.',
    ),
    same('subscriptions.websocket.subgraphs.*.path', '`subgraphs.NAME.subscriptions.url`', (value, at) => {
      at.set('subgraphs.*.subscriptions.protocol', 'websocket');
      const url = at.inFile('override_subgraph_urls', at.names[0]!, 'url');
      if (typeof url !== 'string' || !URL.canParse(url) || typeof value !== 'string')
        return byHand('Write the whole URL as `subgraphs.NAME.subscriptions.url`.');
      at.set('subgraphs.*.subscriptions.url', new URL(value, url).href.replace(/^http/, 'ws'));
      return undefined;
    }),
    different(
      'subscriptions.broadcast_capacity',
      '`subgraphs.NAME.subscriptions.waiting`',
      'The default is 100 events of each subscription.',
    ),
  ];
}

const telemetryRows = (): Row[] => [
  ...exporterRows('telemetry.tracing.exporters', 'traces'),
  ...exporterRows('telemetry.metrics.exporters', 'metrics'),
  same('telemetry.metrics.exporters.*.port', '`admin.port`', to('admin.port', count)),
  different('telemetry.metrics.exporters.*.path', '', 'Metrics are at `/metrics` of the `admin` port.'),
  none('telemetry.metrics.**', 'Names, attributes and buckets are [those of Weir](metrics.md).'),
  same(
    'telemetry.tracing.collect.sampling',
    '`telemetry.traces.sampling`',
    to('telemetry.traces.sampling', count),
  ),
  different(
    'telemetry.tracing.collect.parent_based_sampler',
    '',
    'The decision of a client that sends `traceparent` always counts.',
  ),
  same(
    'telemetry.tracing.propagation.trace_context',
    '',
    undefined,
    '`traceparent` is always read and sent.',
  ),
  different(
    'telemetry.tracing.propagation.baggage',
    '`headers.forward`',
    'Forward the header `baggage`.',
    (value, at) => (value === true ? at.add('headers.forward', 'baggage') : undefined),
  ),
  same(
    'telemetry.tracing.propagation.datadog',
    '`telemetry.traces.datadog`',
    to('telemetry.traces.datadog', flag),
  ),
  none('telemetry.tracing.propagation.**', 'Send `traceparent`, which all understand.'),
  none('telemetry.tracing.**', 'Spans have the [attributes of Weir](tracing.md).'),
  same('telemetry.resource.attributes.*', '`telemetry.resource`', (value, at) =>
    typeof value === 'string'
      ? at.set(['telemetry', 'resource', at.names[0]!], value)
      : byHand('Write its text as an attribute.'),
  ),
  same('telemetry.service.name', '`telemetry.resource`', (value, at) =>
    at.set(['telemetry', 'resource', 'service.name'], textOf(value)),
  ),
  none(
    'telemetry.client_identification.**',
    'Clients name themselves by `apollographql-client-name` and `apollographql-client-version`.',
  ),
  none(
    ['telemetry.hive.**', 'usage_reporting.**'],
    'Usage goes to the [registry](registry.md) of Weir: `usage`.',
  ),
  none(['storage.**', 'extensions.**'], 'Manifests and supergraphs are files or URLs.'),
];

function exporterRows(key: string, signal: Signal): Row[] {
  const options = `telemetry.${signal}.otlp`;
  const isOff = (at: Position): boolean => at.beside('enabled') === false;
  const header =
    (ofGrpc: boolean) =>
    (value: ForeignValue, at: Position): void => {
      const of = (name: string) => at.inFile(...key.split('.'), at.names[0]!, name);
      if (of('enabled') !== false && (of('protocol') === 'grpc') === ofGrpc)
        setCollectorHeader(at, signal, at.names[1]!, value);
    };
  return [
    same(`${key}.*.kind`, `\`${options}\``, (value) =>
      value === 'otlp' || value === 'prometheus'
        ? undefined
        : byHand('Send it to an OpenTelemetry collector.'),
    ),
    same(`${key}.*.enabled`, `\`${options}\``),
    same(`${key}.*.endpoint`, `\`${options}.url\``, (value, at) => {
      if (isOff(at)) return { becomes: 'same', note: 'It is switched off.' };
      if (typeof value !== 'string') return byHand(`Write \`${options}.url\`.`);
      return setCollector(at, signal, value, at.beside('protocol') !== 'grpc');
    }),
    none(
      [
        `${key}.*.endpoint.expression`,
        `${key}.*.http.headers.*.expression`,
        `${key}.*.grpc.metadata.*.expression`,
      ],
      'Write the value, or take it from the environment as `${NAME}`.',
    ),
    same(`${key}.*.protocol`, `\`${options}.protocol\``),
    same(`${key}.*.http.headers.*`, `\`${options}.headers\``, header(false)),
    same(`${key}.*.grpc.metadata.*`, `\`${options}.headers\``, header(true)),
    none(`${key}.*.**`, 'It is sent in batches of its own size.'),
  ];
}

export const hiveRouter: Peer = {
  name: 'hive-router',
  title: 'Hive Router',
  fileName: 'router.config.yaml',
  format: 'yaml',
  table: new Table([
    ...listenerRows,
    ...accessRows(),
    ...headerRules(),
    ...operationRows(),
    ...callRows(),
    ...telemetryRows(),
  ]),
  defaults: [
    { path: ['host'], value: '0.0.0.0', reason: 'the default of Hive Router' },
    {
      path: ['headers', 'forward'],
      value: [],
      reason: 'Hive Router forwards no header unless a rule names it',
    },
    { path: ['timeouts', 'subgraph'], value: '30s', reason: 'the default of Hive Router' },
    { path: ['timeouts', 'request'], value: '60s', reason: 'the default of Hive Router' },
  ],
  read: readYaml,
  toReferences: plain,
};
