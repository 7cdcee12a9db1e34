/** Where Apollo Router listens, and what anybody sees. */
import { textOf } from '../../foreign';
import { different, guards, none, type Row, same, type Taking } from '../../table';
import {
  address,
  byHand,
  choice,
  count,
  flag,
  originPattern as originPatternOf,
  seconds as secondsOf,
  size,
  text,
  to,
} from '../../values';

export const takeListener =
  (host: string, port: string): Taking =>
  (value, at) => {
    const found = address(value);
    if (found === undefined) return byHand(`Set \`${host}\` and \`${port}\` by hand.`);
    if (found.host !== undefined) at.set(host, found.host);
    at.set(port, found.port);
    return undefined;
  };

/** A file that the value is the content of: Weir takes its path. */
export const takeFile =
  (path: string): Taking =>
  (value, at) => {
    const [, file] = /^\$\{file:([^}]+)\}$/.exec(textOf(value)) ?? [];
    if (file === undefined)
      return byHand(`Weir takes the path of a file in PEM: write it as \`${path.replace('*', 'NAME')}\`.`);
    at.set(path, file);
    return undefined;
  };

export const serverRows: readonly Row[] = [
  same('supergraph.listen', '`host`, `port`', takeListener('host', 'port')),
  same('supergraph.path', '`path`', to('path')),
  same('supergraph.introspection', '`introspection`', to('introspection', flag)),
  same('supergraph.defer_support', '', undefined, '[`@defer`](defer.md) is always on.'),
  different(
    'sandbox.enabled',
    '`mode: development`',
    'Sandbox is part of the mode, which also allows introspection: set it by hand where you want both.',
  ),
  none('homepage.**', 'There is no page.'),
  same('supergraph.early_cancel', '', undefined, 'What runs for a client that is gone is always aborted.'),
  different(
    'supergraph.connection_shutdown_timeout',
    '`shutdown.grace`',
    'One time for all that is in flight.',
  ),
  none('supergraph.generate_query_fragments', 'Subgraph operations are written as short as they can be.'),
  none(
    ['supergraph.log_on_broken_pipe', 'supergraph.experimental_log_on_broken_pipe'],
    'The access log has clients that left.',
  ),
  none('supergraph.strict_variable_validation', 'Variables are always checked as the specification has it.'),
  none('supergraph.redact_query_validation_errors', 'Errors of validation are sent as they are.'),
  none(
    'supergraph.query_planning.**',
    'Plans are made in microseconds and kept in memory; [`planning`](configuration.md#planning) bounds them.',
  ),
  same('health_check.enabled', '', undefined, '`/health/live` and `/health/ready` are always there.'),
  same('health_check.listen', '`health.host`, `health.port`', takeListener('health.host', 'health.port')),
  different('health_check.path', '', 'The paths are `/health/live` and `/health/ready`.'),
  none('health_check.readiness.**', 'Readiness follows the load by itself.'),
  same(
    'cors.allow_any_origin',
    '`cors.origins`',
    choice(
      'cors.origins',
      new Map([
        [true, '*'],
        [false, undefined],
      ] as const),
    ),
  ),
  same('cors.origins', '`cors.origins`', (value, at) => at.set('cors.origins', value)),
  different(
    'cors.match_origins',
    '`cors.origins`',
    'Write each origin; `*` may stand for one label of the host.',
  ),
  same('cors.allow_credentials', '`cors.credentials`', to('cors.credentials', flag)),
  ...corsRows(),
  ...guards(
    same('csrf.required_headers', '`csrf.headers`', (value, at) => at.set('csrf.headers', value)),
    same(
      'csrf.unsafe_disabled',
      '`csrf.enabled`',
      choice(
        'csrf.enabled',
        new Map([
          [true, false],
          [false, undefined],
        ] as const),
      ),
    ),
    same(
      ['tls.supergraph.certificate'],
      '`tls.cert`',
      takeFile('tls.cert'),
      'The file holds the certificate with its chain.',
    ),
    same('tls.supergraph.key', '`tls.key`', takeFile('tls.key')),
  ),
  different(
    'tls.supergraph.certificate_chain',
    '`tls.cert`',
    'Write the certificate and its chain into one file.',
  ),
  none('server.http.**', 'Slow clients are cut by `overload` and `timeouts.client`.'),
  none('license_enforcement.**', 'No license is needed.'),
  none('fleet_detector.**', 'Nothing is reported to anybody.'),
  none('reload.**', 'An edit is live within two seconds; what cannot be used changes nothing.'),
  none('experimental_chaos.**', 'Stop a subgraph, or answer in an [interceptor](extending.md#interceptors).'),
  same(
    ['limits.router.http_max_request_bytes', 'limits.http_max_request_bytes'],
    '`limits.body`',
    to('limits.body', size),
  ),
  none(
    [
      ...['http1_max_request_headers', 'http1_max_request_buf_size'],
      ...['http_max_header_size', 'http_max_header_list_size'],
    ].flatMap((name) => [`limits.router.${name}`, `limits.${name}`]),
    'The limits of Node for headers count: 16 KiB.',
  ),
  ...guards(
    ...(
      [
        ['max_depth', 'limits.depth', ''],
        ['max_aliases', 'limits.aliases', ''],
        ['max_root_fields', 'limits.rootFields', ''],
        ['parser_max_tokens', 'limits.tokens', ''],
      ] as const
    ).map(([name, option]) =>
      same([`limits.router.${name}`, `limits.${name}`], `\`${option}\``, to(option, count)),
    ),
    different(
      ['limits.router.max_height', 'limits.max_height'],
      '`limits.selections`',
      'It counts all fields with fragments expanded, and not each name once: choose a number of your own.',
    ),
  ),
  different(
    ['limits.router.parser_max_recursion', 'limits.parser_max_recursion'],
    '`limits.depth`',
    'It also bounds how deep a document may nest.',
  ),
  different(
    ['limits.router.max_recursive_selections', 'limits.max_recursive_selections'],
    '`limits.selections`',
    'It also bounds what fragments repeat.',
  ),
  none(
    ['limits.router.introspection_max_depth', 'limits.introspection_max_depth'],
    'Introspection has the same limits as all else.',
  ),
  none(
    ['limits.router.warn_only', 'limits.warn_only'],
    'Limits always count: raise them first, and watch the codes of errors.',
  ),
  none(['limits.subgraph.**', 'limits.connector.**'], '`connections.response` bounds responses.'),
];

/** Policies of origins; what stands beside them counts for all. */
function corsRows(): Row[] {
  const each = (name: string, take: (path: string) => Taking, option: string): Row[] => [
    same(`cors.${name}`, `\`cors.${option}\``, take(`cors.${option}`)),
    same(`cors.policies.*.${name}`, `\`cors.policies[].${option}\``, take(`cors.policies.[*].${option}`)),
  ];
  // An empty list allows what the page asks for, as a list that is left out does here.
  const asIs =
    (path: string): Taking =>
    (value, at) =>
      Array.isArray(value) && value.length === 0 ? undefined : at.set(path, value);
  return [
    same('cors.policies.*.origins', '`cors.policies[].origins`', (value, at) => {
      for (const origin of Array.isArray(value) ? (value as unknown[]) : [value])
        at.add('cors.policies.[*].origins', text(origin as string) as string);
    }),
    different(
      'cors.policies.*.match_origins',
      '`cors.policies[].origins`',
      'Write each origin; `*` may stand for one label of the host.',
      (value, at) => {
        const patterns = Array.isArray(value)
          ? value.map((item) => originPatternOf(item as string))
          : [undefined];
        if (patterns.includes(undefined))
          return byHand('No pattern is equal to this regular expression: write each origin.');
        at.add('cors.policies.[*].origins', ...(patterns as string[]));
        return undefined;
      },
    ),
    same(
      'cors.policies.*.allow_credentials',
      '`cors.policies[].credentials`',
      to('cors.policies.[*].credentials', flag),
    ),
    ...each('allow_headers', asIs, 'allowHeaders'),
    ...each('expose_headers', asIs, 'exposeHeaders'),
    ...each('max_age', (path) => to(path, secondsOf), 'maxAge'),
    none(['cors.methods', 'cors.policies.*.methods'], 'GET and POST, always.'),
  ];
}
