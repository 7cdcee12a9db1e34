/** Where Cosmo listens, what anybody sees, and what its platform is for. */
import { textOf } from '../../foreign';
import { different, guards, none, type Row, same } from '../../table';
import { byHand, choice, count, duration, flag, size, text, texts, to } from '../../values';
import { takeListener } from '../apollo-router/server';

const platform =
  'The [registry](registry.md) of Weir is a folder or a table: name it as `supergraph.registry`.';

/** The first version of a file, which the tables are of. */
const versionRow: Row = same(
  'version',
  '',
  (value) =>
    textOf(value) === '1'
      ? undefined
      : byHand('Not a version that is known: the keys are read as those of version 1. Check each of them.'),
  'It is that of the file.',
);

export const serverRows: readonly Row[] = [
  versionRow,
  same('listen_addr', '`host`, `port`', takeListener('host', 'port')),
  same('graphql_path', '`path`', to('path')),
  same('introspection_enabled', '`introspection`', to('introspection', flag)),
  same('introspection.enabled', '`introspection`', to('introspection', flag)),
  none('introspection.**', 'Introspection of some clients: `limits.classes[].introspection`.'),
  different(
    ['playground_enabled', 'playground.enabled'],
    '`mode: development`',
    'GraphiQL and Sandbox are part of the mode, which also allows introspection.',
  ),
  none(['playground_path', 'playground.**'], 'GraphiQL and Sandbox are part of `mode: development`.'),
  different(['dev_mode', 'demo_mode'], '`mode: development`', 'Set it by hand, on a machine of your own.'),
  different('query_plans_enabled', '`mode: development`', 'Clients get query plans in development only.'),
  different(
    ['health_check_path', 'readiness_check_path', 'liveness_check_path'],
    '',
    'The paths are `/health/live` and `/health/ready`.',
  ),
  same('shutdown_delay', '`shutdown.grace`', to('shutdown.grace', duration)),
  different(
    'grace_period',
    '`shutdown.grace`',
    'One time for all that is in flight; an old supergraph ends with its last request.',
  ),
  none('localhost_fallback_inside_docker', 'Name the host as it is reached from the container.'),
  same('log_level', '`logging.level`', to('logging.level')),
  same(
    'json_log',
    '`logging.format`',
    choice(
      'logging.format',
      new Map([
        [true, 'json'],
        [false, 'pretty'],
      ] as const),
    ),
  ),
  different(
    'router_config_path',
    '`supergraph`',
    'Give the execution config to `weir migrate`, too: it has the schemas of the subgraphs.',
  ),
  different(
    'execution_config.file.path',
    '`supergraph`',
    'Give the execution config to `weir migrate`, too: it has the schemas of the subgraphs.',
  ),
  same('execution_config.file.watch', '', undefined, 'An edit of the supergraph is live at once.'),
  none('execution_config.**', 'The supergraph is a file, a URL (`s3://`, too) or a registry.'),
  none(
    [
      'graph.token',
      'controlplane_url',
      'cdn.**',
      'router_registration',
      'cluster.**',
      'instance_id',
      'graphql_metrics.**',
    ],
    platform,
  ),
  none('graph.sign_key', 'Fetch the supergraph over HTTPS, or from the registry.'),
  same('poll_interval', '`supergraph.pollInterval`', () =>
    byHand('Write it beside `supergraph.url` or `.registry`.'),
  ),
  none('poll_jitter', 'Polls are cheap.'),
  none('watch_config.**', 'An edit of weir.yaml is live within two seconds.'),
  none('cache_warmup.**', 'Plans are made in microseconds.'),
  none(['file_upload.**'], 'Clients upload to [presigned URLs](clients.md#file-uploads).'),
  none('mcp.**', 'There is no MCP server here.'),
  none('connect_rpc.**', 'Clients speak GraphQL.'),
  ...guards(
    none('modules.**', 'Write [hooks and interceptors](extending.md) in TypeScript or JavaScript.'),
    same('tls.server.cert_file', '`tls.cert`', (value, at) =>
      at.beside('enabled') === true ? to('tls.cert')(value, at) : undefined,
    ),
    same('tls.server.key_file', '`tls.key`', (value, at) =>
      at.beside('enabled') === true ? to('tls.key')(value, at) : undefined,
    ),
    same('tls.server.enabled', '`tls`'),
    same('tls.server.client_auth.cert_file', '`tls.clientCa`', (value, at) =>
      at.inFile('tls', 'server', 'enabled') !== true
        ? undefined
        : at.beside('required') === true
          ? to('tls.clientCa')(value, at)
          : byHand('Clients without a certificate are refused here: set `tls.clientCa` if that is meant.'),
    ),
    same('tls.server.client_auth.required', '`tls.clientCa`'),
  ),
  none('plugins.**', 'Run the plugin as a subgraph.'),
  none('router_plugins.**', 'Run the plugin as a subgraph.'),
  same('cors.enabled', '`cors.origins`'),
  same('cors.allow_origins', '`cors.origins`', (value, at) => {
    const origins = texts(value);
    if (origins === undefined) return byHand('Write the origins as `cors.origins`.');
    if (at.beside('enabled') === false)
      return { becomes: 'same', note: 'No page of another origin may call.' };
    at.set('cors.origins', origins.includes('*') ? '*' : origins);
    return undefined;
  }),
  same('cors.allow_credentials', '`cors.credentials`', (value, at) => {
    const origins = texts(at.beside('allow_origins') ?? '*') ?? [];
    if (value === true && origins.includes('*'))
      return byHand(
        'Not with every origin, which would let any page act for a user: list the origins first.',
      );
    return to('cors.credentials', flag)(value, at);
  }),
  same('cors.allow_headers', '`cors.allowHeaders`', to('cors.allowHeaders', texts)),
  same('cors.max_age', '`cors.maxAge`', to('cors.maxAge', duration)),
  none('cors.allow_methods', 'GET and POST, always.'),
  same('traffic_shaping.router.max_request_body_size', '`limits.body`', to('limits.body', size)),
  none('traffic_shaping.router.max_header_bytes', 'The limits of Node for headers count: 16 KiB.'),
  none('traffic_shaping.router.decompression_enabled', 'Compressed requests are always accepted.'),
  none('traffic_shaping.router.response_compression_min_size', 'Answers are compressed from 1 KiB on.'),
  same('batching.enabled', '`limits.batch`', (value, at) => {
    if (value === true) at.otherwise(['limits', 'batch'], 100, 'the default of Cosmo');
  }),
  same('batching.max_entries_per_batch', '`limits.batch`', (value, at) =>
    at.beside('enabled') === true ? to('limits.batch', count)(value, at) : undefined,
  ),
  none('batching.**', 'The operations of a batch run at once, and each has an answer of its own.'),
  different(
    'client_header.**',
    '',
    'Clients name themselves by `apollographql-client-name` and `apollographql-client-version`.',
  ),
  none(
    ['apollo_compatibility_flags.**', 'apollo_router_compatibility_flags.**'],
    'Answers and errors are as the specification has them; `errors.jsonStatus` is the status of requests that are not valid.',
  ),
  different(
    'cache_control_policy.value',
    '`subgraphs.NAME.cache`',
    'The strictest `Cache-Control` of all subgraphs counts; a subgraph can have a time of its own.',
  ),
  none('cache_control_policy.**', 'The strictest `Cache-Control` of all subgraphs counts.'),
  different(
    'storage_providers.redis.*.urls',
    '`cache.store`',
    'One store for cached answers and persisted queries.',
    (value, at) => {
      const [url] = texts(value) ?? [];
      if (
        url === undefined ||
        at.inFile('automatic_persisted_queries', 'storage', 'provider_id') === undefined
      )
        return undefined;
      at.set('cache.store', text(url));
      return undefined;
    },
  ),
  none('storage_providers.**', 'Manifests are files; a supergraph may be at an `s3://` URL.'),
  different(
    'events.**',
    '`events`',
    '[Events](events.md) are sources of subscriptions, on SNS, SQS, Redis and others.',
  ),
  none('engine.**', 'The engine needs no options; `calls`, `subscriptions` and `planning` have its limits.'),
];
