/** What Apollo Router takes as an operation, and what answers have. */
import { aside, different, guards, none, type Row, same } from '../../table';
import { byHand, choice, count, text, to } from '../../values';

export const operationRows: readonly Row[] = [
  same('apq.enabled', '`persistedOperations.automatic`', (value, at) => {
    if (typeof value !== 'boolean') return byHand('Set `persistedOperations.automatic` by hand.');
    at.set('persistedOperations.automatic', value);
    return undefined;
  }),
  different(
    'apq.router.cache.redis.**',
    '`cache.store`',
    'One store has both answers and persisted queries: set it by hand, unless the response cache names it.',
  ),
  none('apq.router.cache.in_memory.limit', '`cache.memory` bounds all that is kept in memory.'),
  none('apq.subgraph.**', 'Subgraphs always get whole operations.'),
  ...guards(
    same('persisted_queries.enabled', '`persistedOperations.manifest`', (value, at) =>
      value === true && at.beside('local_manifests') === undefined
        ? byHand(
            'Manifests are files, and are not fetched from GraphOS: name one as `persistedOperations.manifest`.',
          )
        : undefined,
    ),
    same('persisted_queries.local_manifests', '`persistedOperations.manifest`', (value, at) => {
      if (at.beside('enabled') === false) return { becomes: 'same', note: 'It is switched off.' };
      at.set('persistedOperations.manifest', value);
      if (at.beside('safelist', 'enabled') !== true && at.beside('log_unknown') !== true)
        at.otherwise(
          ['persistedOperations', 'mode'],
          'allow-unknown',
          'no safelist and no log of unknown operations',
        );
      return undefined;
    }),
    same('persisted_queries.safelist.enabled', '`persistedOperations.mode`', (value, at) => {
      if (value !== true || at.inFile('persisted_queries', 'enabled') === false) return undefined;
      at.set('persistedOperations.mode', 'reject');
      return at.inFile('persisted_queries', 'local_manifests') === undefined
        ? byHand('Name the manifest as `persistedOperations.manifest`: it is not fetched from GraphOS.')
        : undefined;
    }),
    aside(
      different(
        'persisted_queries.safelist.require_id',
        '`persistedOperations.mode`',
        'With `mode: reject` an operation of the manifest may also come as its text.',
      ),
    ),
  ),
  same('persisted_queries.log_unknown', '`persistedOperations.mode`', (value, at) => {
    if (value === true && at.beside('safelist', 'enabled') !== true)
      at.set('persistedOperations.mode', 'log');
  }),
  same('persisted_queries.hot_reload', '', undefined, 'A changed manifest is read at once.'),
  none('persisted_queries.experimental_prewarm_query_plan_cache.**', 'Plans are made in microseconds.'),
  ...guards(
    same('demand_control.enabled', '`limits.cost`'),
    same('demand_control.mode', '`limits.cost`', (value) =>
      value === 'measure'
        ? byHand('Costs are measured in `weir_operation_cost`; `limits.cost` counts in any case.')
        : undefined,
    ),
    same('demand_control.strategy.static_estimated.max', '`limits.cost`', (value, at) => {
      if (
        at.inFile('demand_control', 'enabled') !== true ||
        at.inFile('demand_control', 'mode') !== 'enforce'
      )
        return byHand('It was not enforced there: `limits.cost` is left at its default.');
      return to('limits.cost', ceiling)(value, at);
    }),
    same('demand_control.strategy.static_estimated.list_size', '`limits.assumedListSize`', (value, at) =>
      value === 0
        ? byHand('The least is 1: the default counts.')
        : to('limits.assumedListSize', count)(value, at),
    ),
  ),
  none(
    'demand_control.strategy.static_estimated.actual_cost_mode',
    'The cost is estimated before an operation runs.',
  ),
  none('demand_control.strategy.static_estimated.subgraph.**', 'The cost is that of the whole operation.'),
  same('batching.enabled', '`limits.batch`', (value, at) => {
    if (value === true)
      at.otherwise(['limits', 'batch'], 100, 'Apollo Router has no limit unless `maximum_size` is set');
  }),
  same('batching.maximum_size', '`limits.batch`', (value, at) =>
    at.beside('enabled') === true ? to('limits.batch', count)(value, at) : undefined,
  ),
  same('batching.mode', '', undefined, 'A JSON array, as Apollo Client sends it.'),
  same('batching.subgraph.subgraphs.*.enabled', '`subgraphs.NAME.arrayBatching`', (value, at) =>
    to('subgraphs.*.arrayBatching', (each) => (typeof each === 'boolean' ? each : undefined))(value, at),
  ),
  different(
    'batching.subgraph.all.enabled',
    '`subgraphs.NAME.arrayBatching`',
    'Write it for each subgraph that takes arrays.',
  ),
  ...guards(
    same(
      'include_subgraph_errors.all',
      '`errors.maskSubgraphs`',
      choice(
        'errors.maskSubgraphs',
        new Map([
          [true, 'none'],
          [false, 'all'],
        ] as const),
      ),
    ),
    same(
      'include_subgraph_errors.subgraphs.*',
      '`subgraphs.NAME.maskErrors`',
      choice(
        'subgraphs.*.maskErrors',
        new Map([
          [true, 'none'],
          [false, 'all'],
        ] as const),
      ),
    ),
    different(
      'include_subgraph_errors.all.redact_message',
      '`errors.maskSubgraphs`',
      'Message and extensions are masked together.',
    ),
    different(
      [
        'include_subgraph_errors.all.allow_extensions_keys',
        'include_subgraph_errors.all.deny_extensions_keys',
        'include_subgraph_errors.subgraphs.*.allow_extensions_keys',
        'include_subgraph_errors.subgraphs.*.deny_extensions_keys',
        'include_subgraph_errors.subgraphs.*.exclude_global_keys',
        'include_subgraph_errors.subgraphs.*.redact_message',
      ],
      '`errors.maskSubgraphs`, `subgraphs.NAME.maskErrors`',
      'Codes stay; message and all other extensions are masked together, or sent.',
    ),
  ),
  different(
    'progressive_override.**',
    '`overrides`',
    'Each label has a percentage, or a claim or header that decides.',
  ),
  none('connectors.**', 'Composition refuses `@connect`: write a subgraph.'),
  none('preview_file_uploads.**', 'Clients upload to [presigned URLs](clients.md#file-uploads).'),
  none('experimental_hoist_orphan_errors.**', 'Errors keep their paths.'),
  none('experimental_type_conditioned_fetching', 'Fetches are by the types that there are.'),
  none('preview.**', 'Look up the option in its own section.'),
  same('override_subgraph_url.*', '`subgraphs.NAME.url`', to('subgraphs.*.url', text)),
];

const ceiling = (value: unknown): unknown => (typeof value === 'number' ? Math.ceil(value) : undefined);
