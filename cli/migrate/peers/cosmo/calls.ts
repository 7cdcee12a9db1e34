/** What Cosmo does to calls of subgraphs. */
import { type ForeignValue, hasReference, textOf } from '../../foreign';
import { different, guards, none, type Outcome, type Row, same } from '../../table';
import type { Position } from '../../translate';
import { byHand, choice, count, duration, flag, headerPatterns, noOption, to } from '../../values';

export const callRows = (): Row[] => [
  ...headerRows(),
  ...shapingRows(),
  ...subgraphRows(),
  ...webSocketRows(),
];

function headerRows(): Row[] {
  return [
    ...headerRowsOf('headers.all', 'headers'),
    ...headerRowsOf('headers.subgraphs.*', 'subgraphs.*.headers'),
    none('headers.router.**', 'Set it in the proxy in front.'),
    different(
      'headers.cookie_whitelist',
      '`headers.forward`',
      'The header `cookie` is forwarded as a whole, or not.',
    ),
  ];
}

function headerRowsOf(key: string, options: string): Row[] {
  const shown = options.replace('*', 'NAME');
  const request = (name: string): string => `${key}.request.*.${name}`;
  const response = (name: string): string => `${key}.response.*.${name}`;
  const pathOf = (at: Position, ...more: readonly string[]): string[] => [
    ...options.split('.').map((each) => (each === '*' ? at.names[0]! : each)),
    ...more,
  ];
  return [
    same(request('op'), `\`${shown}\``, (op, at) =>
      takeRequestRule(op, at, (...more) => pathOf(at, ...more)),
    ),
    same(request('named'), `\`${shown}.forward\`, \`.rename\``),
    different(
      request('matching'),
      `\`${shown}.forward\``,
      'Patterns with `*` in place of regular expressions.',
      (value, at) => {
        if (at.beside('op') !== 'propagate') return undefined;
        const patterns = at.beside('negate_match') === true ? undefined : headerPatterns(value);
        if (patterns === undefined)
          return byHand('No pattern is equal to this regular expression: name the headers by hand.');
        at.add(pathOf(at, 'forward'), ...patterns);
        return undefined;
      },
    ),
    different(
      request('negate_match'),
      `\`${shown}.exclude\``,
      'Forward `*`, and exclude what must not be sent.',
    ),
    same(request('rename'), `\`${shown}.rename\``),
    same(request('default'), `\`${shown}.defaults\``, (value, at) => {
      const name = at.beside('rename') ?? at.beside('named');
      if (typeof name !== 'string' || typeof value !== 'string')
        return byHand(`Write it as \`${shown}.defaults\`.`);
      at.set(pathOf(at, 'defaults', name), value);
      return undefined;
    }),
    same(request('name'), `\`${shown}.set\``),
    same(request('value'), `\`${shown}.set\``),
    different(
      [request('expression'), request('value_from.**')],
      `\`${shown}.operationName\`, \`.claims\``,
      'The name of the operation is `operationName`. Of a claim of the caller, name the claim by hand. Anything else is set in an interceptor.',
      (value) => (value === nameOfOperation ? { becomes: 'same', note: '' } : undefined),
    ),
    same(response('op'), `\`${shown}.response\``, (op, at) => {
      const name = at.beside('named');
      if (op !== 'propagate') return noOption('Set it in the proxy in front.');
      if (typeof name !== 'string') return byHand(`Name each header in \`${shown}.response\`.`);
      const ways = new Map<ForeignValue | undefined, string>([
        ['first_write', 'first'],
        ['append', 'append'],
      ]);
      at.set(pathOf(at, 'response', name), ways.get(at.beside('algorithm')) ?? 'last');
      return undefined;
    }),
    same(response('named'), `\`${shown}.response\``),
    different(
      response('algorithm'),
      `\`${shown}.response\``,
      '`Cache-Control` is always the strictest of all subgraphs.',
      (value) => (value === 'most_restrictive_cache_control' ? undefined : { becomes: 'same', note: '' }),
    ),
    none([response('matching'), response('negate_match')], `Name each header in \`${shown}.response\`.`),
    none(
      [response('rename'), response('default'), response('name'), response('value'), response('expression')],
      'Set it in the proxy in front.',
    ),
  ];
}

function takeRequestRule(
  op: ForeignValue,
  at: Position,
  pathOf: (...more: readonly string[]) => string[],
): Outcome | undefined {
  if (op === 'set') {
    const [name, value] = [at.beside('name'), at.beside('value')];
    if (typeof name === 'string' && at.beside('expression') === nameOfOperation) {
      at.set(pathOf('operationName'), name);
      return undefined;
    }
    if (typeof name !== 'string' || hasReference(name) || typeof value !== 'string')
      return noOption('Its value is not written there: use `headers.claims` for a claim, or an interceptor.');
    at.set(pathOf('set', name), value);
    return undefined;
  }
  if (op !== 'propagate') return byHand('Write the rule as an option of `headers`.');
  const [named, rename] = [at.beside('named'), at.beside('rename')];
  if (typeof named !== 'string' || named === '') return undefined;
  if (typeof rename === 'string' && rename !== '') at.set(pathOf('rename', named), rename);
  else at.add(pathOf('forward'), named.toLowerCase());
  return undefined;
}

const nameOfOperation = 'request.operation.name';

function shapingRows(): Row[] {
  const all = (name: string): string => `traffic_shaping.all.${name}`;
  const one = (name: string): string => `traffic_shaping.subgraphs.*.${name}`;
  const breaker = 'circuit_breaker';
  return [
    same(all('request_timeout'), '`timeouts.subgraph`', to('timeouts.subgraph', duration)),
    same(one('request_timeout'), '`subgraphs.NAME.timeout`', to('subgraphs.*.timeout', duration)),
    same(all('dial_timeout'), '`connections.connectTimeout`', to('connections.connectTimeout', duration)),
    same(all('max_conns_per_host'), '`connections.max`', (value, at) =>
      value === 0 ? undefined : to('connections.max', count)(value, at),
    ),
    different(
      all('keep_alive_idle_timeout'),
      '`connections.keepAlive`',
      'The default of 4 s is shorter than what servers keep; write it if yours keep more.',
    ),
    none(
      [
        all('max_idle_conns'),
        all('max_idle_conns_per_host'),
        all('tls_handshake_timeout'),
        all('response_header_timeout'),
        all('expect_continue_timeout'),
        all('keep_alive_probe_interval'),
      ],
      '`connections` and `timeouts` bound connections and calls.',
    ),
    same(all('retry.enabled'), '`retries.max`', (value, at) =>
      value === false ? at.set('retries.max', 0) : undefined,
    ),
    different(all('retry.max_attempts'), '`retries.max`', 'At most 5.', (value, at) =>
      at.beside('enabled') === false
        ? undefined
        : to('retries.max', (each) => (typeof each === 'number' ? Math.min(5, each) : undefined))(value, at),
    ),
    different(
      all('retry.interval'),
      '`retries.pause`',
      'The longest wait before the first retry.',
      (value, at) => (at.beside('enabled') === false ? undefined : to('retries.pause', duration)(value, at)),
    ),
    none(
      all('retry.**'),
      'Queries are retried that were not answered, or with 429, 502, 503 or 504, within the timeout of the call.',
    ),
    same(all(`${breaker}.enabled`), '`breaker.enabled`', to('breaker.enabled', flag)),
    same(
      all(`${breaker}.error_threshold_percentage`),
      '`breaker.failures`',
      to('breaker.failures', (value) => (typeof value === 'number' ? value / 100 : undefined)),
    ),
    same(all(`${breaker}.request_threshold`), '`breaker.atLeast`', to('breaker.atLeast', count)),
    same(all(`${breaker}.sleep_window`), '`breaker.pause`', to('breaker.pause', duration)),
    same(all(`${breaker}.rolling_duration`), '`breaker.window`', to('breaker.window', duration)),
    same(all(`${breaker}.max_concurrent_requests`), '`calls.concurrency`', (value, at) =>
      typeof value === 'number' && value > 0 ? to('calls.concurrency', count)(value, at) : undefined,
    ),
    none(all(`${breaker}.**`), 'One call finds out whether an endpoint works again.'),
    none(one('**'), 'Only the timeout is that of a subgraph: all else counts for all.'),
  ];
}

function subgraphRows(): Row[] {
  const overrides = 'overrides.subgraphs.*';
  const protocols = new Map<ForeignValue, string>([
    ['ws', 'websocket'],
    ['sse', 'sse'],
    ['sse_post', 'sse'],
  ]);
  return [
    same(
      ['override_routing_url.subgraphs.*', `${overrides}.routing_url`],
      '`subgraphs.NAME.url`',
      to('subgraphs.*.url'),
    ),
    same(
      `${overrides}.subscription_url`,
      '`subgraphs.NAME.subscriptions.url`',
      to('subgraphs.*.subscriptions.url'),
    ),
    same(`${overrides}.subscription_protocol`, '`subgraphs.NAME.subscriptions.protocol`', (value, at) =>
      at.beside('subscription_websocket_subprotocol') === 'graphql-ws' && value === 'ws'
        ? at.set('subgraphs.*.subscriptions.protocol', 'subscriptions-transport-ws')
        : choice('subgraphs.*.subscriptions.protocol', protocols)(value, at),
    ),
    same(
      `${overrides}.subscription_websocket_subprotocol`,
      '`subgraphs.NAME.subscriptions.protocol`',
      undefined,
      '`graphql-ws` is `subscriptions-transport-ws`.',
    ),
    same('tls.client.all.ca_file', '`connections.ca`', to('connections.ca')),
    same('tls.client.subgraphs.*.ca_file', '`subgraphs.NAME.tls.ca`', to('subgraphs.*.tls.ca')),
    same('tls.client.subgraphs.*.cert_file', '`subgraphs.NAME.tls.cert`', to('subgraphs.*.tls.cert')),
    same('tls.client.subgraphs.*.key_file', '`subgraphs.NAME.tls.key`', to('subgraphs.*.tls.key')),
    none(
      'tls.client.**',
      'Write it for each subgraph, as `subgraphs.NAME.tls`; certificates are always checked.',
    ),
  ];
}

function webSocketRows(): Row[] {
  return [
    same(
      'websocket.enabled',
      '',
      (value) =>
        value === false
          ? byHand('WebSockets are served at the path of the endpoint; a proxy in front can refuse them.')
          : undefined,
      'WebSockets are served at the path of the endpoint.',
    ),
    none(
      'websocket.absinthe_protocol.**',
      'Clients use `graphql-transport-ws`, or `subscriptions-transport-ws`.',
    ),
    same(
      'websocket.authentication.from_initial_payload.enabled',
      '',
      undefined,
      'Credentials of `connectionParams` always count.',
    ),
    ...guards(
      different(
        'websocket.authentication.from_initial_payload.key',
        '`subscriptions.connectionParams`',
        'Credentials have the names of their headers.',
        (value) =>
          textOf(value).toLowerCase() === 'authorization' ? { becomes: 'same', note: '' } : undefined,
      ),
    ),
    none(
      'websocket.authentication.**',
      'Credentials of `connectionParams` count as the header of their name.',
    ),
    different(
      'websocket.forward_upgrade_headers.allow_list',
      '`headers.forward`',
      'Headers of the upgrade are those of each operation: forward them.',
    ),
    different(
      ['websocket.forward_upgrade_headers.enabled', 'websocket.forward_upgrade_headers'],
      '`headers.forward`',
      'Headers of the upgrade are those of each operation: forward them.',
    ),
    none(
      ['websocket.forward_upgrade_query_params.**', 'websocket.forward_upgrade_query_params'],
      'Send it as a header, or in `connectionParams`.',
    ),
    different(
      'websocket.forward_initial_payload',
      '`subscriptions.connectionParams`',
      'Members that it names count as headers.',
    ),
    none(
      'websocket.client_info_from_initial_payload.**',
      'Name and version of the client count from `connectionParams`, too.',
    ),
  ];
}
