import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '../../net/time-limit';
import type { Options } from '../../options';
import { collectorLog } from '../collector-log';
import { GrpcCollector, otlpServices } from '../grpc-collector';
import type { Logger } from '../logger';
import { writeProtobuf } from './otlp-protobuf';
import type { MetricAttributes, CollectedMetric, Series } from './meter';

type OtlpOptions = NonNullable<Options['telemetry']['metrics']['otlp']>;

export interface OtlpExportOptions {
  readonly options: OtlpOptions;
  /** The resource attributes of the service. */
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
  readonly collect: () => readonly CollectedMetric[];
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Sends a request, through the proxy if there is one. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export interface OtlpExport {
  /** Sends metrics a last time. Resolves within two seconds, even if the collector has not accepted them. */
  stop(): Promise<void>;
}

/**
 * Sends metrics to a collector: OTLP over HTTP in JSON, or over gRPC. Values are cumulative, so the next request includes those of a
 * failed one.
 */
export function startOtlpExport({
  options,
  resource,
  version,
  collect,
  logger,
  fetch,
}: OtlpExportOptions): OtlpExport {
  const { url, protocol, headers, interval } = options;
  const service = {
    ...{ 'service.name': 'weir', 'service.version': version, 'service.instance.id': randomUUID() },
    ...resource,
  };
  const log = collectorLog(logger, 'metrics', { url });
  let sending: Promise<void> | undefined;
  const stopping = new AbortController();

  const collector = protocol === 'grpc' ? new GrpcCollector({ url, headers, timeout: longest }) : undefined;
  const sendOverHttp = async (): Promise<void> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: writeOtlp(collect(), service, version),
      redirect: 'error',
      signal: AbortSignal.any([stopping.signal, timeLimit(longest)]),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`It answered with HTTP status ${response.status}.`);
  };
  const send = async (): Promise<void> => {
    try {
      if (collector === undefined) await sendOverHttp();
      else await collector.send(otlpServices.metrics, await writeProtobuf(collect(), service, version));
      log.succeeded();
    } catch (error) {
      log.failed(error);
    }
  };
  const sendNow = (): Promise<void> => (sending ??= send().finally(() => (sending = undefined)));
  const timer = setInterval(() => void sendNow(), interval);
  timer.unref();

  return {
    async stop() {
      clearInterval(timer);
      const last = async (): Promise<void> => {
        await sending;
        await sendNow();
      };
      const ended = new AbortController();
      await Promise.race([last(), sleep(shutdownTimeout, undefined, { signal: ended.signal })]);
      ended.abort();
      stopping.abort();
      collector?.close();
    },
  };
}

/** Timeout of a request to the collector, in milliseconds. */
const longest = 10_000;
const shutdownTimeout = 2_000;

/** An `ExportMetricsServiceRequest` (opentelemetry-proto 1.0) in JSON. */
export function writeOtlp(
  metrics: readonly CollectedMetric[],
  service: Readonly<Record<string, string>>,
  version: string,
): string {
  const now = Date.now();
  return JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: keyValues(service) },
        scopeMetrics: [
          { scope: { name: 'weir', version }, metrics: metrics.map((metric) => writeMetric(metric, now)) },
        ],
      },
    ],
  });
}

function writeMetric({ name, definition, series }: CollectedMetric, now: number) {
  const { kind, description, unit } = definition;
  const dataPoints = series.map((each) => writePoint(each, now));
  const facts = { name, description, unit };
  switch (kind) {
    case 'counter':
    case 'upDownCounter':
      return {
        ...facts,
        sum: { dataPoints, aggregationTemporality: cumulative, isMonotonic: kind === 'counter' },
      };
    case 'histogram':
      return { ...facts, histogram: { dataPoints, aggregationTemporality: cumulative } };
    case 'gauge':
      return { ...facts, gauge: { dataPoints } };
    default:
      return kind satisfies never;
  }
}

const cumulative = 2;

function writePoint({ attributes, since, value }: Series, now: number) {
  const facts = {
    attributes: keyValues(attributes),
    startTimeUnixNano: nanoseconds(since),
    timeUnixNano: nanoseconds(now),
  };
  if (typeof value === 'number') return { ...facts, asDouble: value };
  return {
    ...facts,
    count: String(value.count),
    sum: value.sum,
    bucketCounts: value.counts.map(String),
    explicitBounds: value.boundaries,
  };
}

/** 64-bit integers are strings in OTLP's JSON. */
const nanoseconds = (milliseconds: number): string => `${Math.round(milliseconds)}000000`;

function keyValues(attributes: MetricAttributes) {
  return Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
    }));
}
