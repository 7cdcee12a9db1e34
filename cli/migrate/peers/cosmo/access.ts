/** Who may do what at Cosmo, and how much. */
import type { ForeignValue } from '../../foreign';
import { aside, different, guards, none, type Outcome, type Row, same, type Taking } from '../../table';
import type { Position } from '../../translate';
import { byHand, choice, count, formatDuration, milliseconds, noOption, texts, to } from '../../values';
import { takeRedis } from '../redis';
import {
  addHeader,
  furtherHeader,
  neverInCookies,
  ofHeader,
  ofHeaders,
  takeAlgorithms,
  takeAudiences,
  takeHeader,
  takeKeySet,
  takePrefix,
  takeSecret,
} from '../tokens';

const jwt = 'authentication.jwt';
const jwks = `${jwt}.jwks.*`;

/** Without `require_authentication` others may come, too. */
function letOthersIn(at: Position): void {
  at.otherwise(
    ['auth', 'anonymous'],
    at.inFile('authorization', 'require_authentication') !== true,
    'as `authorization.require_authentication` is',
  );
}

/** A limit that counts only where it is enabled. */
const whereEnabled =
  (path: string): Taking =>
  (value, at) =>
    at.beside('enabled') === true && value !== 0
      ? to(path, count)(value, at)
      : { becomes: 'same', note: 'It is switched off.' };

const refuse = 'Refuse them in the hook [`onOperation`](extending.md#hooks).';

export const accessRows = (): Row[] => [
  ...guards(
    ...tokenRows(),
    aside(
      different(
        'authentication.ignore_other_prefixes',
        '',
        'Credentials of another kind are refused, unless they belong to another mode of `auth`.',
      ),
    ),
    same('authorization.require_authentication', '`auth.anonymous`', (value, at) => {
      if (at.inFile('authentication') === undefined)
        return value === true
          ? byHand('Weir requires credentials as soon as `auth` has a mode: configure one.')
          : undefined;
      if (typeof value === 'boolean') at.set('auth.anonymous', !value);
      return undefined;
    }),
    same(
      'authorization.reject_operation_if_unauthorized',
      '`authorization.refused`',
      choice(
        'authorization.refused',
        new Map([
          [true, 'reject'],
          [false, undefined],
        ] as const),
      ),
    ),
    ...limitRows(),
    ...rateRows(),
    ...persistedRows(),
    same('subgraph_error_propagation.mode', '`errors.maskSubgraphs`', (value, at) => {
      if (at.beside('enabled') === false) return undefined;
      at.set('errors.maskSubgraphs', 'none');
      return value === 'pass-through'
        ? undefined
        : byHand('Errors of subgraphs are not wrapped in one of the gateway: each has its own path.');
    }),
    same('subgraph_error_propagation.enabled', '`errors.maskSubgraphs`', (value, at) => {
      if (value === false) at.set('errors.maskSubgraphs', 'all');
    }),
  ),
  none(`${jwks}.refresh_interval`, 'Keys are fetched again when they are unknown or old.'),
  none(
    `${jwks}.refresh_unknown_kid.**`,
    'The keys are fetched for an unknown one, at most once in 30 seconds.',
  ),
  none('authentication.providers.*.name', 'An issuer is its name.'),
  none(
    'authentication.providers.*.jwks.refresh_interval',
    'Keys are fetched again when they are unknown or old.',
  ),
  different(
    'subgraph_error_propagation.**',
    '`errors.maskSubgraphs`',
    'Codes and names of services stay; message and other extensions are masked together, or sent.',
  ),
  same('compliance.anonymize_ip.enabled', '`logging.addresses`', (value, at) => {
    if (value === true)
      at.otherwise(['logging', 'addresses'], 'shortened', 'Cosmo redacts addresses by default');
  }),
  different(
    'compliance.anonymize_ip.method',
    '`logging.addresses`',
    '`redact` is `shortened`: the last part of an address is left out.',
    (value, at) => {
      if (at.beside('enabled') === false) return;
      at.set('logging.addresses', value === 'hash' ? 'hashed' : 'shortened');
    },
  ),
];

/** An empty list is no prefix. */
function takePrefixes(value: ForeignValue, at: Position, issuer: string): Outcome | undefined {
  const [prefix = '', ...more] = texts(value) ?? [];
  const outcome = takePrefix(prefix, at, issuer);
  return more.length === 0 ? outcome : byHand('A header has one prefix: the first is written.');
}

function tokenRows(): Row[] {
  return [
    same(`${jwks}.url`, '`auth.oidc[].jwks`', (value, at) => {
      letOthersIn(at);
      return takeKeySet(value, at, at.names[0]!);
    }),
    same(`${jwks}.secret`, '`auth.oidc[].secret`', (value, at) => {
      letOthersIn(at);
      return takeSecret(value, at, at.names[0]!);
    }),
    same(`${jwks}.symmetric_algorithm`, '`auth.oidc[].algorithms`', (value, at) =>
      at.beside('secret') === undefined ? undefined : takeAlgorithms(value, at, at.names[0]!, true),
    ),
    aside(different(`${jwks}.header_key_id`, '`auth.oidc[].secret`', 'The secret counts for any `kid`.')),
    same(`${jwks}.algorithms`, '`auth.oidc[].algorithms`', (value, at) =>
      takeAlgorithms(value, at, at.names[0]!, at.beside('secret') !== undefined),
    ),
    same(`${jwks}.audiences`, '`auth.oidc[].audience`', (value, at) =>
      takeAudiences(value, at, at.names[0]!),
    ),
    aside(different(`${jwks}.allowed_use`, '', 'Keys for signatures only.')),
    same(`${jwt}.header_name`, '`auth.oidc[].header`', (value, at) => takeHeader(value, at), ofHeader),
    same(`${jwt}.header_value_prefix`, '`auth.oidc[].prefix`', (value, at) => takePrefix(value, at)),
    same(`${jwt}.header_sources.*.type`, '`auth.oidc[].header`', (value) =>
      value === 'header' ? undefined : noOption(neverInCookies),
    ),
    same(
      `${jwt}.header_sources.*.name`,
      '`auth.oidc[].header`',
      (value, at) => addHeader(value, at),
      ofHeaders,
    ),
    same(`${jwt}.header_sources.*.value_prefixes`, '`auth.oidc[].prefix`', (value, at) =>
      takePrefixes(value, at, furtherHeader(at)),
    ),
    same('authentication.providers.*.jwks.url', '`auth.oidc[].jwks`', (value, at) => {
      letOthersIn(at);
      return takeKeySet(value, at, at.names[0]!);
    }),
    same('authentication.providers.*.jwks.header_names', '`auth.oidc[].header`', (value, at) => {
      const [name, ...more] = texts(value) ?? [];
      if (name === undefined) return undefined;
      takeHeader(name, at, at.names[0]);
      return more.length === 0 ? undefined : byHand('Write an issuer for each other header.');
    }),
    same('authentication.providers.*.jwks.header_value_prefixes', '`auth.oidc[].prefix`', (value, at) =>
      takePrefixes(value, at, at.names[0]!),
    ),
  ];
}

function limitRows(): Row[] {
  const limits = 'security.complexity_limits';
  return [
    same(`${limits}.depth.limit`, '`limits.depth`', whereEnabled('limits.depth')),
    same(`${limits}.total_fields.limit`, '`limits.selections`', whereEnabled('limits.selections')),
    same(`${limits}.root_fields.limit`, '`limits.rootFields`', whereEnabled('limits.rootFields')),
    different(
      `${limits}.root_field_aliases.limit`,
      '`limits.aliases`',
      'All aliases of a document count.',
      whereEnabled('limits.aliases'),
    ),
    ...['depth', 'total_fields', 'root_fields', 'root_field_aliases'].map((name) =>
      same(`${limits}.${name}.enabled`, '`limits`'),
    ),
    aside(
      different(
        `${limits}.*.ignore_persisted_operations`,
        '`limits`',
        'Limits count for operations of a manifest, too.',
      ),
    ),
    same('security.depth_limit.limit', '`limits.depth`', whereEnabled('limits.depth')),
    same('security.depth_limit.enabled', '`limits.depth`'),
    aside(
      different(
        'security.depth_limit.ignore_persisted_operations',
        '`limits.depth`',
        'Limits count for operations of a manifest, too.',
      ),
    ),
    aside(
      none(
        ['security.depth_limit.cache_size', 'security.complexity_calculation_cache.**'],
        'There is nothing to size.',
      ),
    ),
    aside(
      different(
        'security.parser_limits.approximate_depth_limit',
        '`limits.depth`',
        'The default is 30 levels.',
      ),
    ),
    aside(
      different(
        'security.parser_limits.total_fields_limit',
        '`limits.selections`',
        'The default is 1,000 fields with fragments expanded.',
      ),
    ),
    aside(
      none('security.operation_name_length_limit', '`limits.tokens` and `limits.body` bound a document.'),
    ),
    different('security.block_mutations.**', '', refuse),
    different('security.block_subscriptions.**', '', refuse),
    same('security.block_non_persisted_operations.enabled', '`persistedOperations.mode`', (value, at) => {
      if (value !== true) return undefined;
      at.set('persistedOperations.mode', 'reject');
      return byHand('Name the manifest as `persistedOperations.manifest`: without one nothing is refused.');
    }),
    different('security.block_non_persisted_operations.condition', '', refuse),
    different('security.block_persisted_operations.**', '', refuse),
  ];
}

function rateRows(): Row[] {
  const isOn = (at: Position): boolean => at.inFile('rate_limit', 'enabled') === true;
  return [
    same('rate_limit.enabled', '`rates`'),
    different(
      'rate_limit.simple_strategy.rate',
      '`rates[].limit`',
      'Requests of clients are counted, not calls of subgraphs: choose a limit of your own.',
      (value, at) => {
        const period = milliseconds(at.beside('period') ?? '1s');
        if (!isOn(at) || typeof value !== 'number' || period === undefined) return undefined;
        const window = Math.max(1000, Math.round(period / 1000) * 1000);
        at.set('rates.[cosmo].name', 'all');
        at.set('rates.[cosmo].per', 'everybody');
        at.set('rates.[cosmo].limit', Math.ceil((value * window) / period));
        at.set('rates.[cosmo].window', formatDuration(window));
        return undefined;
      },
    ),
    same('rate_limit.simple_strategy.period', '`rates[].window`'),
    aside(
      different('rate_limit.simple_strategy.burst', '`rates[].limit`', 'All of a window may come at once.'),
    ),
    aside(
      different(
        'rate_limit.simple_strategy.reject_exceeding_requests',
        '`rates`',
        'What exceeds a rate is refused, always.',
      ),
    ),
    different(
      'rate_limit.key_suffix_expression',
      '`rates[].per`',
      'A count for each `address`, `identity` or `client`.',
    ),
    same(
      ['rate_limit.storage.urls', 'rate_limit.storage.url', 'rate_limit.storage.addr'],
      '`cache.store`',
      (value, at) => (isOn(at) ? takeRedis(value, at, { password: at.beside('password') }) : undefined),
    ),
    same('rate_limit.storage.password', '`cache.store`'),
    aside(none('rate_limit.storage.**', 'Gateways that share `cache.store` count together.')),
    aside(
      none(
        'rate_limit.**',
        'The answer is 429 `RATE_LIMITED`, with the headers `RateLimit` and `Retry-After`.',
      ),
    ),
  ];
}

function persistedRows(): Row[] {
  return [
    same(
      'automatic_persisted_queries.enabled',
      '`persistedOperations.automatic`',
      to('persistedOperations.automatic', (value) => (typeof value === 'boolean' ? value : undefined)),
    ),
    aside(none('automatic_persisted_queries.**', 'They are in `cache.store`, for `cache.longest`.')),
    same('persisted_operations.safelist.enabled', '`persistedOperations.mode`', (value, at) => {
      if (value !== true) return undefined;
      at.set('persistedOperations.mode', 'reject');
      return byHand('Name the manifest as `persistedOperations.manifest`: without one nothing is refused.');
    }),
    same('persisted_operations.log_unknown', '`persistedOperations.mode`', (value, at) => {
      if (value === true && at.beside('safelist', 'enabled') !== true)
        at.set('persistedOperations.mode', 'log');
    }),
    different('persisted_operations.disabled', '`persistedOperations`', 'Without a manifest there are none.'),
    different(
      'persisted_operations.**',
      '`persistedOperations.manifest`',
      'Manifests are files, in the format of Apollo or Relay.',
    ),
  ];
}
