/** Over 300 lines: the table of one gateway. */
import { type ForeignValue, isMap, plain, type ToReferences, textOf } from '../foreign';
import type { Peer } from '../peer';
import { readToml } from '../readers/toml';
import { aside, different, guards, none, type Row, same, Table, type Outcome } from '../table';
import type { Position } from '../translate';
import {
  byHand,
  choice,
  count,
  flag,
  formatDuration,
  headerPatterns,
  milliseconds,
  seconds,
  size,
  texts,
  to,
} from '../values';
import { takeListener } from './apollo-router/server';
import { setCollector, setCollectorHeader, type Signal } from './otlp';
import { takeRedis } from './redis';
import {
  neverInCookies,
  ofHeader,
  takeAudiences,
  takeHeader,
  takeIssuers,
  takeKeySet,
  takePrefix,
} from './tokens';

/** `{{ env.NAME }}`. */
const toReferences: ToReferences = (text) =>
  text
    .split(/(\{\{ {0,9}env\.\w+ {0,9}\}\})/)
    .map((part, i) =>
      i % 2 === 0 ? plain(part) : `\${${part.replaceAll(/[{} ]/g, '').slice('env.'.length)}}`,
    )
    .join('');

const serverRows: readonly Row[] = [
  same('network.listen_address', '`host`, `port`', takeListener('host', 'port')),
  same('graph.path', '`path`', to('path')),
  same('graph.introspection', '`introspection`', to('introspection', flag)),
  different('graph.websocket_path', '', 'WebSockets are served at the path of the endpoint.'),
  none('graph.**', 'Messages are those of Weir.'),
  same('request_body_limit', '`limits.body`', to('limits.body', size)),
  different(
    'executable_document_limit',
    '`limits.tokens`',
    'A document is bounded by its tokens and by `limits.body`.',
  ),
  same('tls.certificate', '`tls.cert`', to('tls.cert')),
  same('tls.key', '`tls.key`', to('tls.key')),
  same('health.enabled', '', undefined, '`/health/live` and `/health/ready` are always there.'),
  different('health.path', '', 'The paths are `/health/live` and `/health/ready`.'),
  same('health.listen', '`health.host`, `health.port`', takeListener('health.host', 'health.port')),
  ...guards(
    same('csrf.enabled', '`csrf.enabled`', to('csrf.enabled', flag)),
    same('csrf.header_name', '`csrf.headers`', (value, at) =>
      typeof value === 'string' ? at.set('csrf.headers', [value]) : byHand('Write `csrf.headers`.'),
    ),
    same('cors.allow_origins', '`cors.origins`', takeOrigins),
    same('cors.allow_credentials', '`cors.credentials`', (value, at) =>
      value === true && at.beside('allow_origins') === 'any'
        ? byHand('Not with every origin: list the origins first.')
        : to('cors.credentials', flag)(value, at),
    ),
  ),
  same('cors.allow_headers', '`cors.allowHeaders`', (value, at) =>
    value === 'any' ? undefined : to('cors.allowHeaders', texts)(value, at),
  ),
  same('cors.expose_headers', '`cors.exposeHeaders`', (value, at) =>
    value === 'any' ? byHand('Name each header.') : to('cors.exposeHeaders', texts)(value, at),
  ),
  same('cors.max_age', '`cors.maxAge`', to('cors.maxAge', seconds)),
  none(
    ['cors.allow_methods', 'cors.allow_private_network'],
    'GET and POST, always; pages in public networks do not reach a private one.',
  ),
  none(
    'websockets.**',
    'See [`subscriptions`](configuration.md#subscriptions) for the limits of connections.',
  ),
  none('mcp.**', 'There is no MCP server here.'),
  none(
    ['operation_caching.**', 'prewarming.**', 'traffic_shaping.**'],
    'Plans are made in microseconds and kept in memory; equal calls in flight are one.',
  ),
  same('apq.enabled', '`persistedOperations.automatic`', to('persistedOperations.automatic', flag)),
];

/** `*.shop.example` has no scheme there. */
function takeOrigins(value: ForeignValue, at: Position): Outcome | undefined {
  const origins = texts(value);
  if (origins === undefined) return byHand('Write the origins as `cors.origins`.');
  if (value === 'any' || value === '*') {
    at.set('cors.origins', '*');
    return undefined;
  }
  at.add(
    'cors.origins',
    ...origins.map((origin) => (/^\w+:\/\//.test(origin) ? origin.replace(/\/$/, '') : `https://${origin}`)),
  );
  return origins.every((origin) => /^\w+:\/\//.test(origin))
    ? undefined
    : byHand('`https://` is written where there was no scheme; `*` stands for one label.');
}

const accessRows = (): Row[] =>
  guards(
    same('authentication.default', '`auth.anonymous`', (value, at) => {
      if (!['anonymous', 'deny'].includes(textOf(value))) return byHand('Set `auth.anonymous` by hand.');
      if (isMap(at.inFile('extensions', 'jwt')) || at.inFile('authentication', 'providers') !== undefined)
        at.set('auth.anonymous', value === 'anonymous');
      return undefined;
    }),
    different(
      'authentication.protected_resources.**',
      '`auth`',
      'There is one endpoint, for which `auth` counts.',
    ),
    ...[
      ['extensions.jwt.config', 'jwt'],
      ['authentication.providers.*.jwt', ''],
      ['authentication.providers.*.extension.config', ''],
    ].flatMap(([key, name]) => jwtRows(key!, name!)),
    different('authentication.**', '`auth`', 'See [identity.md](identity.md) for the ways to authenticate.'),
    same('extensions.jwt.version', '', undefined, 'Tokens are checked by the gateway itself.'),
    same('extensions.jwt', '', undefined, 'Tokens are checked by the gateway itself.'),
    same(
      [
        'extensions.requires-scopes.**',
        'extensions.authenticated.**',
        'extensions.requires-scopes',
        'extensions.authenticated',
      ],
      '',
      undefined,
      '`@authenticated` and `@requiresScopes` always count.',
    ),
    none(
      ['extensions.*', 'extensions.*.**'],
      'Write [hooks and interceptors](extending.md) in TypeScript or JavaScript; what joined an API needs a subgraph.',
    ),
    none('hooks.**', 'Write [hooks and interceptors](extending.md) in TypeScript or JavaScript.'),
    ...(
      [
        ['depth', 'limits.depth'],
        ['aliases', 'limits.aliases'],
        ['root_fields', 'limits.rootFields'],
      ] as const
    ).map(([name, option]) => same(`operation_limits.${name}`, `\`${option}\``, to(option, count))),
    different(
      'operation_limits.height',
      '`limits.selections`',
      'It counts all fields with fragments expanded, and not each name once: choose a number of your own.',
    ),
    different(
      'operation_limits.complexity',
      '`limits.cost`',
      'The cost is counted another way: choose a number of your own.',
    ),
    different(
      [
        'complexity_control.limit',
        'complexity_control.mode',
        'complexity_control.list_size',
        'complexity_control.**',
      ],
      '`limits.cost`, `limits.assumedListSize`',
      'The cost of `@cost` and `@listSize` always counts; it is in the metrics.',
      takeComplexity,
    ),
    same('trusted_documents.enabled', '`persistedOperations.manifest`', (value) =>
      value === true
        ? byHand(
            'Manifests are files, in the format of Apollo or Relay: name them as `persistedOperations.manifest`.',
          )
        : undefined,
    ),
    same('trusted_documents.enforced', '`persistedOperations.mode`', (value, at) => {
      if (value !== true) return undefined;
      at.set('persistedOperations.mode', 'reject');
      return byHand('Name the manifest as `persistedOperations.manifest`: without one nothing is refused.');
    }),
    aside(
      none(
        ['trusted_documents.bypass_header_name', 'trusted_documents.bypass_header_value'],
        'Nobody can get round it: `limits.classes` and API keys are for clients of your own.',
      ),
    ),
    same('gateway.rate_limit.global.limit', '`rates[].limit`', (value, at) =>
      takeRate(value, at, 'rates.[global]'),
    ),
    same('gateway.rate_limit.global.duration', '`rates[].window`'),
    same('subgraphs.*.rate_limit.limit', '`subgraphs.NAME.rate.limit`', (value, at) =>
      takeRate(value, at, 'subgraphs.*.rate'),
    ),
    same('subgraphs.*.rate_limit.duration', '`subgraphs.NAME.rate.window`'),
    different(
      ['gateway.message_signatures.**', 'subgraphs.*.message_signatures.**'],
      '`privateLinks`',
      'Subgraphs check [private links](identity.md#private-links), or signatures of RFC 9421 with a shared secret.',
    ),
  );

function takeComplexity(_: ForeignValue, at: Position): void {
  const [limit, list] = [
    at.inFile('complexity_control', 'limit'),
    at.inFile('complexity_control', 'list_size'),
  ];
  if (at.inFile('complexity_control', 'mode') !== 'enforce') return;
  if (typeof limit === 'number') at.set('limits.cost', limit);
  if (typeof list === 'number') at.set('limits.assumedListSize', list);
}

function jwtRows(key: string, fixed: string): Row[] {
  const slot = (at: Position): string => (fixed === '' ? at.names[0]! : fixed);
  const rows = (name: string): string[] => [`${key}.${name}`, `${key}.jwks.${name}`];
  return [
    same(rows('url'), '`auth.oidc[].jwks`', (value, at) => {
      at.otherwise(
        ['auth', 'anonymous'],
        at.inFile('authentication', 'default') === 'anonymous',
        'as `authentication.default` is',
      );
      return takeKeySet(value, at, slot(at));
    }),
    same(rows('issuer'), '`auth.oidc[].issuer`', (value, at) => takeIssuers(value, at, slot(at), undefined)),
    same(rows('audience'), '`auth.oidc[].audience`', (value, at) => takeAudiences(value, at, slot(at))),
    same(
      [`${key}.header_name`, `${key}.header.name`],
      '`auth.oidc[].header`',
      (value, at) => takeHeader(value, at, slot(at)),
      ofHeader,
    ),
    same([`${key}.header_value_prefix`, `${key}.header.value_prefix`], '`auth.oidc[].prefix`', (value, at) =>
      takePrefix(value, at, slot(at)),
    ),
    aside(none(rows('poll_interval'), 'Keys are fetched again when they are unknown or old.')),
    aside(none(`${key}.cookie_name`, neverInCookies)),
    aside(none(`${key}.oauth.**`, 'There is no such endpoint.')),
    aside(none(`${key}.name`, 'An issuer is its name.')),
  ];
}

/** Windows last whole seconds. */
function takeRate(value: ForeignValue, at: Position, path: string): Outcome | undefined {
  const interval = milliseconds(at.beside('duration') ?? '1s', 1000);
  if (typeof value !== 'number' || interval === undefined || interval === 0)
    return byHand('Write the rate by hand.');
  const window = Math.max(1000, Math.round(interval / 1000) * 1000);
  if (path.startsWith('rates')) {
    at.set(`${path}.name`, 'global');
    at.set(`${path}.per`, 'everybody');
  }
  at.set(`${path}.limit`, Math.ceil((value * window) / interval));
  at.set(`${path}.window`, formatDuration(window));
  return undefined;
}

const callRows = (): Row[] => [
  ...headerRows('headers', 'headers'),
  ...headerRows('subgraphs.*.headers', 'subgraphs.*.headers'),
  same('subgraphs.*.url', '`subgraphs.NAME.url`', to('subgraphs.*.url')),
  same(
    'subgraphs.*.websocket_url',
    '`subgraphs.NAME.subscriptions.url`',
    to('subgraphs.*.subscriptions.url'),
  ),
  same('subgraphs.*.timeout', '`subgraphs.NAME.timeout`', to('subgraphs.*.timeout', seconds)),
  same(
    ['subgraphs.*.subscriptions_protocol', 'subgraphs.*.subscription_protocol'],
    '`subgraphs.NAME.subscriptions.protocol`',
    choice(
      'subgraphs.*.subscriptions.protocol',
      new Map([
        ['server_sent_events', 'sse'],
        ['websocket', 'websocket'],
      ]),
    ),
  ),
  same(
    'subgraphs.*.entity_caching.ttl',
    '`subgraphs.NAME.cache.maxAge`',
    (value, at) =>
      at.beside('enabled') === false ? undefined : to('subgraphs.*.cache.maxAge', seconds)(value, at),
    'It counts whatever `Cache-Control` the subgraph sends.',
  ),
  same('subgraphs.*.entity_caching.enabled', '`subgraphs.NAME.cache.maxAge`', (value, at) => {
    if (value === false) at.set('subgraphs.*.cache.maxAge', '0s');
  }),
  none('subgraphs.*.retry.**', '`retries` counts for all subgraphs.'),
  none(
    ['subgraphs.*.schema_path', 'subgraphs.*.introspection_url', 'subgraphs.*.introspection_headers.**'],
    '`weir dev` and `weir compose` take them from supergraph.yaml.',
  ),
  same('gateway.timeout', '`timeouts.request`', to('timeouts.request', seconds)),
  same('gateway.subgraph_timeout', '`timeouts.subgraph`', to('timeouts.subgraph', seconds)),
  same('gateway.retry.enabled', '`retries.max`', (value, at) =>
    value === false ? at.set('retries.max', 0) : undefined,
  ),
  different(
    'gateway.retry.**',
    '`retries`',
    'Queries are retried once by default, and never while most calls fail.',
  ),
  same('gateway.batching.enabled', '`limits.batch`', (value, at) => {
    if (value === true) at.otherwise(['limits', 'batch'], 100, 'there is no limit unless `limit` is set');
  }),
  same('gateway.batching.limit', '`limits.batch`', (value, at) =>
    at.beside('enabled') === true ? to('limits.batch', count)(value, at) : undefined,
  ),
  different(
    'gateway.access_logs.**',
    '`logging`',
    'The log is on standard output, with [fields of its own](logs.md).',
  ),
  same(['gateway.rate_limit.storage', 'entity_caching.storage'], '`cache.store`'),
  same(['gateway.rate_limit.redis.url', 'entity_caching.redis.url'], '`cache.store`', (value, at) =>
    [at.inFile('gateway', 'rate_limit', 'storage'), at.inFile('entity_caching', 'storage')].includes('redis')
      ? takeRedis(value, at)
      : undefined,
  ),
  same(
    ['gateway.rate_limit.redis.key_prefix', 'entity_caching.redis.key_prefix'],
    '`cache.prefix`',
    to('cache.prefix'),
  ),
  same(
    ['gateway.rate_limit.redis.tls.ca', 'entity_caching.redis.tls.ca'],
    '`cache.redis.ca`',
    to('cache.redis.ca'),
  ),
  none(
    ['gateway.rate_limit.redis.tls.**', 'entity_caching.redis.tls.**'],
    'The store is connected to with a password, or with IAM.',
  ),
  different(
    'entity_caching.enabled',
    '`cache.entities.enabled`',
    'Entities are cached for as long as their subgraph allows.',
    (value, at) => {
      if (value === false) at.set('cache.entities.enabled', false);
    },
  ),
  different(
    'entity_caching.ttl',
    '`subgraphs.NAME.cache.maxAge`',
    'Without `Cache-Control` nothing is cached: write it for each subgraph that sends none.',
  ),
  none(
    [
      'trusted_documents.document_id_unknown_log_level',
      'trusted_documents.document_id_and_query_mismatch_log_level',
      'trusted_documents.inline_document_unknown_log_level',
    ],
    'Unknown operations are logged once, at `info`.',
  ),
];

/** `[[headers]]` with `rule`, and either `name` or `pattern`. */
function headerRows(key: string, options: string): Row[] {
  const shown = options.replace('*', 'NAME');
  const each = (name: string): string => `${key}.*.${name}`;
  const pathOf = (at: Position, ...more: readonly string[]): string[] => [
    ...options.split('.').map((part) => (part === '*' ? at.names[0]! : part)),
    ...more,
  ];
  return [
    same(each('rule'), `\`${shown}\``, (rule, at) =>
      takeHeaderRule(rule, at, (...more) => pathOf(at, ...more)),
    ),
    same(each('name'), `\`${shown}\``),
    different(
      each('pattern'),
      `\`${shown}.forward\`, \`.exclude\``,
      'Patterns with `*` in place of regular expressions.',
      (value, at) => {
        const patterns = headerPatterns(value);
        if (patterns === undefined)
          return byHand('No pattern is equal to this regular expression: name the headers by hand.');
        const rule = at.beside('rule');
        if (rule === 'forward' || rule === 'remove')
          at.add(pathOf(at, rule === 'forward' ? 'forward' : 'exclude'), ...patterns);
        return undefined;
      },
    ),
    same(each('rename'), `\`${shown}.rename\``),
    same(each('default'), `\`${shown}.defaults\``, (value, at) => {
      const name = at.beside('rename') ?? at.beside('name');
      if (typeof name !== 'string' || typeof value !== 'string')
        return byHand(`Write it as \`${shown}.defaults\`.`);
      at.set(pathOf(at, 'defaults', name), value);
      return undefined;
    }),
    same(each('value'), `\`${shown}.set\``),
  ];
}

function takeHeaderRule(
  rule: ForeignValue,
  at: Position,
  pathOf: (...more: readonly string[]) => string[],
): Outcome | undefined {
  const [name, rename, value] = [at.beside('name'), at.beside('rename'), at.beside('value')];
  if (typeof name !== 'string') return undefined;
  if (rule === 'insert' && typeof value === 'string') at.set(pathOf('set', name), value);
  else if (rule === 'remove') at.add(pathOf('exclude'), name.toLowerCase());
  else if (rule === 'forward' || rule === 'rename_duplicate') {
    if (typeof rename === 'string') at.set(pathOf('rename', name), rename);
    if (typeof rename !== 'string' || rule === 'rename_duplicate')
      at.add(pathOf('forward'), name.toLowerCase());
  } else return byHand('Write the rule as an option of `headers`.');
  return undefined;
}

const telemetryRows = (): Row[] => [
  same('telemetry.service_name', '`telemetry.resource`', (value, at) =>
    at.set(['telemetry', 'resource', 'service.name'], textOf(value)),
  ),
  same('telemetry.resource_attributes.*', '`telemetry.resource`', (value, at) =>
    at.set(['telemetry', 'resource', at.names[0]!], textOf(value)),
  ),
  same('telemetry.tracing.sampling', '`telemetry.traces.sampling`', to('telemetry.traces.sampling', count)),
  same('telemetry.tracing.parent_based_sampler', '', (value) =>
    value === true ? undefined : byHand('The decision of a client that sends `traceparent` always counts.'),
  ),
  same('telemetry.tracing.enabled', '`telemetry.traces.sampling`', (value, at) =>
    value === false ? at.set('telemetry.traces.sampling', 0) : undefined,
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
    'telemetry.tracing.propagation.aws_xray',
    '`telemetry.traces.xRay`',
    to('telemetry.traces.xRay', flag),
  ),
  ...exporterRows('telemetry.exporters.otlp', ['traces', 'metrics']),
  ...exporterRows('telemetry.tracing.exporters.otlp', ['traces']),
  ...exporterRows('telemetry.metrics.exporters.otlp', ['metrics']),
  different(
    'telemetry.logs.exporters.otlp.**',
    '`logging`',
    'The log is on standard output, for any collector.',
  ),
  none(
    'telemetry.tracing.exporters.response_extension.**',
    '[`weir explain`](explore.md#the-query-plan) and the console show plans and calls.',
  ),
  none('telemetry.tracing.**', 'Spans have the [attributes of Weir](tracing.md).'),
  none(
    [
      'telemetry.exporters.stdout.**',
      'telemetry.tracing.exporters.stdout.**',
      'telemetry.metrics.exporters.stdout.**',
      'telemetry.logs.**',
    ],
    'The log is on standard output; metrics are at `/metrics` of the `admin` port.',
  ),
  none('telemetry.grafbase.**', 'Usage goes to the [registry](registry.md) of Weir: `usage`.'),
];

function exporterRows(key: string, signals: readonly Signal[]): Row[] {
  const options = signals.map((signal) => `\`telemetry.${signal}.otlp\``).join(', ');
  const isOn = (at: Position): boolean => at.inFile(...key.split('.'), 'enabled') === true;
  const isHttp = (at: Position): boolean => at.inFile(...key.split('.'), 'protocol') === 'http';
  const header =
    (ofHttp: boolean) =>
    (value: ForeignValue, at: Position): void => {
      if (!isOn(at) || isHttp(at) !== ofHttp) return;
      for (const signal of signals) setCollectorHeader(at, signal, at.names[0]!, value);
    };
  return [
    same(`${key}.enabled`, options),
    same(`${key}.endpoint`, options, (value, at) => {
      if (!isOn(at)) return { becomes: 'same', note: 'It is switched off.' };
      for (const signal of signals) setCollector(at, signal, textOf(value), isHttp(at));
      return undefined;
    }),
    same(`${key}.protocol`, options),
    same(`${key}.http.headers.*`, options, header(true)),
    same(`${key}.grpc.headers.*`, options, header(false)),
    none(
      [`${key}.timeout`, `${key}.batch_export.**`, `${key}.grpc.tls.**`],
      'It is sent in batches of its own size; certificates are those that Node trusts.',
    ),
  ];
}

export const grafbase: Peer = {
  name: 'grafbase',
  title: 'Grafbase Gateway',
  fileName: 'grafbase.toml',
  format: 'toml',
  table: new Table([...serverRows, ...accessRows(), ...callRows(), ...telemetryRows()]),
  defaults: [
    { path: ['port'], value: 5000, reason: 'the default of Grafbase Gateway' },
    {
      path: ['headers', 'forward'],
      value: [],
      reason: 'Grafbase Gateway forwards no header unless a rule names it',
    },
    { path: ['timeouts', 'subgraph'], value: '30s', reason: 'the default of Grafbase Gateway' },
  ],
  read: readToml,
  toReferences,
};
