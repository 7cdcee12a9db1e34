import { METHODS } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Counter, Meter, UpDownCounter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { PersistedOperationStatistics } from './statistics/persisted-operation-statistics';
import { ResponseCacheStatistics } from './statistics/response-cache-statistics';
import { OverloadStatistics } from './statistics/overload-statistics';
import { CallStatistics } from './call-statistics';
import { Durations } from './durations';

/**
 * The instruments of one gateway. No attribute is under a client's control: a label that any client can multiply
 * fills memory here and in the database that collects it.
 */
export interface Metrics {
  /** For parts that bring instruments of their own. */
  readonly meter: Meter;
  /** Of clients' requests, by method and status. */
  readonly requestDurations: Durations<number>;
  /** By subgraph and outcome: `ok`, `aborted` (nobody waits any more), or the code of the error. */
  readonly subgraphDurations: Durations<string>;
  /** Attribute `subgraph`. */
  readonly subgraphRetries: Counter;
  /** Endpoints of subgraphs that are left alone; attribute `subgraph`. */
  readonly endpointsOpen: UpDownCounter;
  readonly overload: OverloadStatistics;
  readonly responseCache: ResponseCacheStatistics;
  readonly persistedOperations: PersistedOperationStatistics;
  /** Attribute `result`: `live` or `refused`. */
  readonly reloads: Counter;
  /** What became of the subgraph calls of clients' requests, and which operations were sent. */
  readonly calls: CallStatistics;
  /** Attribute `result`: `swapped`, `refused` (it does not build) or `unavailable` (it could not be read). */
  readonly supergraphUpdates: Counter;
  /** All metrics in Prometheus' text format. */
  collect(): Promise<string>;
  close(): Promise<void>;
}

/** The content type of what `collect` resolves with. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

export function createMetrics(): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [reader] });
  // Without labels about the library that measured.
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  const meter = provider.getMeter('weir');
  const requestDurations = new Durations<number>({
    name: 'weir.request.duration.seconds',
    description: 'Duration of requests to the endpoint.',
    attributes: ['method', 'status'],
    // Over HTTP/2 a client may call its method as it likes.
    known: new Set(METHODS),
    boundaries: secondsBuckets,
  });
  const subgraphDurations = new Durations<string>({
    name: 'weir.subgraph.request.duration.seconds',
    description: 'Duration of subgraph calls.',
    attributes: ['subgraph', 'outcome'],
    boundaries: secondsBuckets,
  });
  const stopWatching = watchEventLoop(meter);
  return {
    meter,
    requestDurations,
    subgraphDurations,
    subgraphRetries: meter.createCounter('weir.subgraph.retries', {
      description: 'Retries of subgraph calls.',
    }),
    endpointsOpen: meter.createUpDownCounter('weir.subgraph.endpoints.open', {
      description: 'Endpoints of subgraphs whose circuit breaker is open.',
    }),
    calls: new CallStatistics(meter),
    overload: new OverloadStatistics(meter),
    responseCache: new ResponseCacheStatistics(meter),
    persistedOperations: new PersistedOperationStatistics(meter),
    reloads: meter.createCounter('weir.configuration.reloads', {
      description: 'Reloads of options, by result.',
    }),
    supergraphUpdates: meter.createCounter('weir.supergraph.updates', {
      description: 'New supergraphs, by result.',
    }),
    collect: async () => {
      const { resourceMetrics } = await reader.collect();
      // The exporter has a copy of the SDK of its own, whose enums are others to the linter.
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
      resourceMetrics.scopeMetrics.push(requestDurations.collect(), subgraphDurations.collect());
      return serializer.serialize(resourceMetrics);
    },
    close: async () => {
      stopWatching();
      await provider.shutdown();
    },
  };
}

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Delay of the event loop since the last collection: what every request waits on top of its own work. */
function watchEventLoop(meter: Meter): () => void {
  const resolution = 10;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  const delay = meter.createObservableGauge('weir.event_loop.delay.seconds', {
    description: 'Delay of the event loop since the last collection, by quantile; 1 is the maximum.',
  });
  delay.addCallback((result) => {
    // The histogram counts the timer's own period.
    const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolution / 1e3);
    if (histogram.count > 0) {
      result.observe(seconds(histogram.percentile(50)), { quantile: '0.5' });
      result.observe(seconds(histogram.percentile(99)), { quantile: '0.99' });
      result.observe(seconds(histogram.max), { quantile: '1' });
    }
    histogram.reset();
  });
  return () => histogram.disable();
}
