import { CacheStatistics } from '../statistics/cache-statistics';
import { ErrorStatistics } from '../statistics/error-statistics';
import { OverloadStatistics } from '../statistics/overload-statistics';
import { PersistedOperationStatistics } from '../statistics/persisted-operation-statistics';
import { RequestStatistics } from '../statistics/request-statistics';
import { ResponseCacheStatistics } from '../statistics/response-cache-statistics';
import { SubgraphDurations } from '../statistics/subgraph-durations';
import { WebSocketStatistics } from '../statistics/web-socket-statistics';
import { CallStatistics } from './call-statistics';
import { Meter, type CollectedMetric, type Sum } from './meter';
import type { AttributesOf, MetricName } from './metric-table';
import { packageVersion } from '../package-root';
import { type MetricsFormat, writePrometheus } from './prometheus';
import { measureRuntime } from './runtime-metrics';

/** The metrics of one gateway. `metric-table.ts` lists all of them. */
export interface Metrics {
  /** For parts with metrics of their own. */
  readonly meter: Meter;
  readonly requests: RequestStatistics;
  readonly errors: ErrorStatistics;
  readonly subgraphDurations: SubgraphDurations;
  readonly subgraphRetries: Sum<AttributesOf<'weir.subgraph.retries'>>;
  /** Endpoints with an open circuit breaker. */
  readonly endpointsOpen: Sum<AttributesOf<'weir.subgraph.endpoints.open'>>;
  /** Pauses of the strict client. */
  readonly strictRefusals: Sum<AttributesOf<'weir.subgraph.strict.refusals'>>;
  readonly overload: OverloadStatistics;
  readonly responseCache: ResponseCacheStatistics;
  readonly caches: CacheStatistics;
  readonly persistedOperations: PersistedOperationStatistics;
  readonly webSockets: WebSocketStatistics;
  readonly reloads: Sum<AttributesOf<'weir.configuration.reloads'>>;
  /** Subgraph calls of client requests, by result and by operation. */
  readonly calls: CallStatistics;
  readonly supergraphUpdates: Sum<AttributesOf<'weir.supergraph.updates'>>;
  /** Returns the current values, of all metrics or only of some. */
  readonly collect: (only?: ReadonlySet<MetricName>) => CollectedMetric[];
  /** The same as text. @default in Prometheus' format */
  readonly text: (format?: MetricsFormat) => string;
  close(): void;
}

/** @param scheme of the gateway's clients */
export function createMetrics(scheme: 'http' | 'https' = 'http'): Metrics {
  const meter = new Meter();
  const stopMeasuring = measureRuntime(meter);
  const version = versionIfKnown();
  meter.observe('weir.build', (observe) => observe(1, { version, node: process.versions.node }));
  const requests = new RequestStatistics(meter, scheme);
  const errors = new ErrorStatistics(meter);
  const calls = new CallStatistics(meter);
  const reloads = reloadsIn(meter);
  const supergraphUpdates = meter.sum('weir.supergraph.updates');
  for (const result of ['swapped', 'refused', 'unavailable']) supergraphUpdates.of({ result });
  const collect: Metrics['collect'] = (only) => {
    for (const statistics of [requests, errors, calls]) statistics.review();
    return meter.collect(only);
  };
  return {
    ...{ meter, requests, errors, calls, reloads, supergraphUpdates },
    subgraphDurations: new SubgraphDurations(meter),
    subgraphRetries: meter.sum('weir.subgraph.retries'),
    endpointsOpen: meter.sum('weir.subgraph.endpoints.open'),
    strictRefusals: meter.sum('weir.subgraph.strict.refusals'),
    overload: new OverloadStatistics(meter),
    responseCache: new ResponseCacheStatistics(meter),
    caches: new CacheStatistics(meter),
    persistedOperations: new PersistedOperationStatistics(meter),
    webSockets: new WebSocketStatistics(meter),
    collect,
    text: (format) => writePrometheus(collect(), format),
    close: stopMeasuring,
  };
}

/** The metrics of a primary, whose workers serve. */
export type PrimaryMetrics = Pick<Metrics, 'reloads' | 'text' | 'close'>;

export function createPrimaryMetrics(): PrimaryMetrics {
  const meter = new Meter();
  const close = measureRuntime(meter);
  return { reloads: reloadsIn(meter), text: (format) => writePrometheus(meter.collect(), format), close };
}

function reloadsIn(meter: Meter): Metrics['reloads'] {
  const reloads = meter.sum('weir.configuration.reloads');
  // Prometheus misses the first increase of a series that does not begin at 0.
  for (const result of ['live', 'unchanged', 'refused']) reloads.of({ result });
  return reloads;
}

/** The version, or a placeholder in a bundled gateway, which has no `package.json`. */
export function versionIfKnown(): string {
  try {
    return packageVersion();
  } catch {
    return 'unknown';
  }
}
