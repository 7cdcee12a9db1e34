import type { DataChanges } from '../data-changes';
import { compileKeyHeaders, type KeyHeaders } from '../key-headers';
import { type Policy, policyReader } from '../policy';
import type { Store } from '../stores/store';
import type { Options } from '../../options';
import { isOfDefaultGraph } from '../../options/graphs';
import type { Logger } from '../../telemetry/logger';
import type { Metrics } from '../../telemetry/metrics/metrics';
import type { SubgraphResponse } from '../../subgraph-calls/contract/transport';
import { AnswerHeaders } from './answer-headers';
import { ResponseCache } from './response-cache';
import type { CallStatistics } from '../../telemetry/metrics/call-statistics';
import type { CacheStatistics } from '../../telemetry/statistics/cache-statistics';
import type { ResponseCacheStatistics } from '../../telemetry/statistics/response-cache-statistics';

/** The caches of this process, which outlive a supergraph. */
export interface ProcessCaches {
  readonly responses: ResponseCache;
  readonly answerHeaders: AnswerHeaders;
  readonly keyHeaders: KeyHeaders;
  readonly statistics: ResponseCacheStatistics;
  readonly caches: CacheStatistics;
  readonly calls: CallStatistics;
  readonly changes: DataChanges;
  readonly policyOf: (response: SubgraphResponse) => Policy;
}

export function createCaching(
  options: Options,
  store: Store,
  { responseCache: statistics, caches, calls }: Pick<Metrics, 'responseCache' | 'caches' | 'calls'>,
  logger: Pick<Logger, 'debug' | 'isLevelEnabled'>,
  changes: DataChanges,
): ProcessCaches {
  const keyHeaders = compileKeyHeaders(options);
  const { responses, cdn } = options.cache;
  const { request: timeout } = options.timeouts;
  return {
    responses: new ResponseCache({
      coalesce: options.calls.coalesce,
      store,
      options: responses,
      keyHeaders,
      timeout,
      statistics,
      caches,
      changes,
      logger,
    }),
    answerHeaders: new AnswerHeaders({
      ...{ keyHeaders, cdn: cdn.enabled, compress: responses.compress },
      // Caches between do not know who may use another graph.
      areAllPrivate: !isOfDefaultGraph(options),
    }),
    keyHeaders,
    ...{ statistics, caches, calls, changes },
    policyOf: policyReaderFor(options),
  };
}

/** How responses of subgraphs are read under these options. */
export function policyReaderFor(options: Options): ReturnType<typeof policyReader> {
  const { staleWhileRevalidate, staleIfError } = options.cache;
  return policyReader({
    staleWhileRevalidate: Math.floor(staleWhileRevalidate / 1000),
    staleIfError: Math.floor(staleIfError / 1000),
    // `weir-identity` is in the keys of private answers, as part of `Caller.scope`.
    identityHeaders: [...compileKeyHeaders(options).identity, 'weir-identity'],
  });
}
