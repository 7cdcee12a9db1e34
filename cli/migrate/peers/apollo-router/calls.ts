/** What Apollo Router does to calls of subgraphs, and to their answers. */
import { type ForeignValue, textOf } from '../../foreign';
import { different, guards, none, type Row, same, type Taking } from '../../table';
import { byHand, choice, count, duration, flag, formatDuration, milliseconds, to } from '../../values';
import { takeRedis } from '../redis';
import { takeFile, takeListener } from './server';

/** A rate of `capacity` requests in an `interval`: windows here last whole seconds. */
const takeRate =
  (path: string): Taking =>
  (value, at) => {
    const interval = milliseconds(at.beside('interval') ?? '1s');
    if (typeof value !== 'number' || interval === undefined || interval === 0)
      return byHand(`Set \`${path}\` by hand.`);
    const windows = Math.ceil(1000 / interval);
    const window = interval % 1000 === 0 ? interval : Math.ceil((interval * windows) / 1000) * 1000;
    const set = (name: string, each: unknown): void => at.set(`${path}.${name}`, each);
    if (path.startsWith('rates')) {
      set('name', 'router');
      set('per', 'everybody');
    }
    set('limit', Math.ceil((value * window) / interval));
    set('window', formatDuration(window));
    return undefined;
  };

const shaping = 'traffic_shaping';

export const callRows = (): Row[] => [
  same(`${shaping}.router.timeout`, '`timeouts.request`', to('timeouts.request', duration)),
  ...guards(
    same(`${shaping}.router.global_rate_limit.capacity`, '`rates[].limit`', takeRate('rates.[router]')),
    same(`${shaping}.router.global_rate_limit.interval`, '`rates[].window`'),
    none(
      `${shaping}.router.concurrency_limit`,
      'The [concurrency limit](configuration.md#overload) follows the load.',
    ),
    same(`${shaping}.all.global_rate_limit.capacity`, '`calls.rate.limit`', takeRate('calls.rate')),
    same(`${shaping}.all.global_rate_limit.interval`, '`calls.rate.window`'),
    same(
      `${shaping}.subgraphs.*.global_rate_limit.capacity`,
      '`subgraphs.NAME.rate.limit`',
      takeRate('subgraphs.*.rate'),
    ),
    same(`${shaping}.subgraphs.*.global_rate_limit.interval`, '`subgraphs.NAME.rate.window`'),
  ),
  same(`${shaping}.all.timeout`, '`timeouts.subgraph`', to('timeouts.subgraph', duration)),
  same(`${shaping}.subgraphs.*.timeout`, '`subgraphs.NAME.timeout`', to('subgraphs.*.timeout', duration)),
  same(`${shaping}.all.deduplicate_query`, '`calls.dedupe`', to('calls.dedupe', flag)),
  none(`${shaping}.subgraphs.*.deduplicate_query`, '`calls.dedupe` counts for all subgraphs.'),
  same(`${shaping}.deduplicate_variables`, '', undefined, 'Equal entities are always requested once.'),
  different(
    `${shaping}.all.compression`,
    '`connections.compression`',
    'Of responses; requests are not compressed.',
    (value, at) => at.set('connections.compression', value !== 'identity'),
  ),
  none(`${shaping}.subgraphs.*.compression`, '`connections.compression` counts for all subgraphs.'),
  same(
    [`${shaping}.all.experimental_http2`, `${shaping}.all.http2`],
    '`connections.http2`',
    choice(
      'connections.http2',
      new Map<string, boolean>([
        ['enable', true],
        ['disable', false],
        ['http2only', true],
      ]),
    ),
    'Over TLS only.',
  ),
  none(
    [`${shaping}.subgraphs.*.experimental_http2`, `${shaping}.subgraphs.*.http2`],
    '`connections.http2` counts for all subgraphs.',
  ),
  none(
    [`${shaping}.all.dns_resolution_strategy`, `${shaping}.subgraphs.*.dns_resolution_strategy`],
    'As the system resolves names; `dns://` targets look up all addresses.',
  ),
  same(`${shaping}.all.pool_idle_timeout`, '`connections.keepAlive`', to('connections.keepAlive', duration)),
  none(`${shaping}.subgraphs.*.pool_idle_timeout`, '`connections.keepAlive` counts for all subgraphs.'),
  none(
    [`${shaping}.all.experimental_retry.**`, `${shaping}.subgraphs.*.experimental_retry.**`],
    '[`retries`](configuration.md#retries) is on by default for queries.',
  ),
  none(`${shaping}.connector.**`, 'There are no connectors.'),
  ...tlsRows(),
  ...cacheRows(),
  ...subscriptionRows(),
];

function tlsRows(): Row[] {
  const authentication = (scope: string): string => `tls.subgraph.${scope}.client_authentication`;
  return [
    same(
      'tls.subgraph.all.certificate_authorities',
      '`connections.ca`',
      takeFile('connections.ca'),
      'In addition to those that Node brings.',
    ),
    same(
      'tls.subgraph.subgraphs.*.certificate_authorities',
      '`subgraphs.NAME.tls.ca`',
      takeFile('subgraphs.*.tls.ca'),
      'In addition to those that Node brings.',
    ),
    same(
      `${authentication('subgraphs.*')}.certificate_chain`,
      '`subgraphs.NAME.tls.cert`',
      takeFile('subgraphs.*.tls.cert'),
    ),
    same(`${authentication('subgraphs.*')}.key`, '`subgraphs.NAME.tls.key`', takeFile('subgraphs.*.tls.key')),
    none(`${authentication('all')}.**`, 'Write it for each subgraph, as `subgraphs.NAME.tls`.'),
    none('tls.connector.**', 'There are no connectors.'),
  ];
}

function cacheRows(): Row[] {
  const both = (name: string): string[] => [`response_cache.${name}`, `preview_entity_cache.${name}`];
  const redis = (name: string): string[] => both(`subgraph.all.redis.${name}`);
  return [
    same(both('enabled'), '`cache.responses.enabled`, `cache.entities.enabled`', (value, at) => {
      if (value !== false) return;
      at.set('cache.responses.enabled', false);
      at.set('cache.entities.enabled', false);
    }),
    same(redis('urls'), '`cache.store`', (value, at) =>
      takeRedis(value, at, { user: at.beside('username'), password: at.beside('password') }),
    ),
    same(redis('username'), '`cache.store`'),
    same(redis('password'), '`cache.store`'),
    same(redis('namespace'), '`cache.prefix`', to('cache.prefix')),
    same([...redis('timeout'), ...redis('fetch_timeout')], '`cache.timeout`', to('cache.timeout', duration)),
    same(redis('tls.certificate_authorities'), '`cache.redis.ca`', takeFile('cache.redis.ca')),
    none(redis('**'), 'One connection to the store; while it is down, the gateway goes on without it.'),
    different(
      both('subgraph.all.enabled'),
      '`cache.entities.enabled`',
      'Answers are cached only for as long as subgraphs allow.',
    ),
    different(
      both('subgraph.all.ttl'),
      '`subgraphs.NAME.cache.maxAge`',
      'Without `Cache-Control` nothing is cached: write it for each subgraph that sends none.',
    ),
    same(
      both('subgraph.subgraphs.*.ttl'),
      '`subgraphs.NAME.cache.maxAge`',
      (value, at) =>
        at.beside('enabled') === false ? undefined : to('subgraphs.*.cache.maxAge', duration)(value, at),
      'It counts whatever `Cache-Control` the subgraph sends.',
    ),
    same(both('subgraph.subgraphs.*.enabled'), '`subgraphs.NAME.cache.maxAge`', (value, at) => {
      if (value === false) at.set('subgraphs.*.cache.maxAge', 0);
    }),
    different(
      [...both('subgraph.all.private_id'), ...both('subgraph.subgraphs.*.private_id')],
      '`cache.identityHeaders`',
      'Private answers belong to an identity or to its headers, without anything to configure.',
    ),
    different(
      [
        ...both('invalidation.**'),
        ...both('subgraph.all.invalidation.**'),
        ...both('subgraph.subgraphs.*.invalidation.**'),
      ],
      '`admin.token`',
      '[`POST /cache/invalidate`](entity-cache.md) on the `admin` port takes subgraphs, types, entities and tags.',
    ),
    none(both('subgraph.subgraphs.*.redis.**'), 'One store for all subgraphs: `cache.store`.'),
    none(
      [
        ...both('metrics.**'),
        ...both('debug'),
        ...both('expose_keys_in_context'),
        ...both('private_queries_buffer_size'),
      ],
      'The [metrics](metrics.md) and the console have what was cached.',
    ),
  ];
}

const portIn = (address: ForeignValue): string | undefined => textOf(address).split(':').at(-1);

function subscriptionRows(): Row[] {
  const callback = 'subscription.mode.callback';
  const passthrough = 'subscription.mode.passthrough';
  return [
    same('subscription.enabled', '', undefined, 'Subscriptions are always on.'),
    same(
      ['subscription.enable_deduplication', 'subscription.deduplication.enabled'],
      '',
      undefined,
      'Equal subscriptions [share one](realtime-reference.md#sharing) at the subgraph.',
    ),
    none(
      'subscription.deduplication.ignored_headers',
      '`calls.sharedHeaders` does so for headers on which no answer depends.',
    ),
    ...guards(
      same(
        'subscription.max_opened_subscriptions',
        '`subscriptions.total`',
        to('subscriptions.total', count),
        'In each process.',
      ),
    ),
    different(
      'subscription.queue_capacity',
      '`subgraphs.NAME.subscriptions.waiting`',
      'The default is 100 events of each subscription.',
    ),
    same(`${callback}.public_url`, '`subscriptions.callback.publicUrl`', (value, at) => {
      if (typeof value !== 'string' || !URL.canParse(value))
        return to('subscriptions.callback.publicUrl')(value, at);
      const { origin, pathname } = new URL(value);
      at.set('subscriptions.callback.publicUrl', origin);
      if (at.beside('path') === undefined && pathname !== '/')
        at.set('subscriptions.callback.path', pathname);
      return undefined;
    }),
    same(`${callback}.listen`, '`subscriptions.callback.host`, `.port`', (value, at) =>
      portIn(value) === portIn(at.inFile('supergraph', 'listen') ?? ':4000')
        ? byHand('Callbacks come to a port of its own: write one that `publicUrl` reaches.')
        : takeListener('subscriptions.callback.host', 'subscriptions.callback.port')(value, at),
    ),
    same(`${callback}.path`, '`subscriptions.callback.path`', to('subscriptions.callback.path')),
    same(`${callback}.subgraphs`, '`subgraphs.NAME.subscriptions.protocol`', (value, at) => {
      for (const name of Array.isArray(value) ? (value as unknown[]) : [])
        at.set(['subgraphs', String(name), 'subscriptions', 'protocol'], 'callback');
    }),
    different(
      `${callback}.heartbeat_interval`,
      '`subgraphs.NAME.subscriptions.heartbeat`',
      'Write it for each subgraph; the default is 30 s.',
    ),
    different(
      `${passthrough}.all.**`,
      '`subgraphs.NAME.subscriptions`',
      'The default is `graphql-transport-ws` at the URL of the subgraph: write what differs for each subgraph.',
    ),
    same(
      `${passthrough}.subgraphs.*.protocol`,
      '`subgraphs.NAME.subscriptions.protocol`',
      choice(
        'subgraphs.*.subscriptions.protocol',
        new Map([
          ['graphql_ws', 'websocket'],
          ['graphql_transport_ws', 'subscriptions-transport-ws'],
        ]),
      ),
    ),
    same(`${passthrough}.subgraphs.*.path`, '`subgraphs.NAME.subscriptions.url`', (value, at) => {
      const url = at.inFile('override_subgraph_url', at.names[0]!);
      if (typeof url !== 'string' || !URL.canParse(url) || typeof value !== 'string')
        return byHand('Write the whole URL as `subgraphs.NAME.subscriptions.url`.');
      at.set('subgraphs.*.subscriptions.url', new URL(value, url).href.replace(/^http/, 'ws'));
      return undefined;
    }),
    same(
      `${passthrough}.subgraphs.*.heartbeat_interval`,
      '`subgraphs.NAME.subscriptions.heartbeat`',
      (value, at) =>
        value === 'disabled'
          ? at.set('subgraphs.*.subscriptions.heartbeat', '0s')
          : to('subgraphs.*.subscriptions.heartbeat', duration)(value, at),
    ),
  ];
}
