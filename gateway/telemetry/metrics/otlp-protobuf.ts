import type { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { CollectedMetric, Series } from './meter';

type ResourceMetrics = Parameters<typeof ProtobufMetricsSerializer.serializeRequest>[0];
type Metric = ResourceMetrics['scopeMetrics'][number]['metrics'][number];

/** An `ExportMetricsServiceRequest` in Protobuf, by OpenTelemetry's serializer, which is loaded only now. */
export async function writeProtobuf(
  metrics: readonly CollectedMetric[],
  service: Readonly<Record<string, string>>,
  version: string,
): Promise<Uint8Array> {
  const { ProtobufMetricsSerializer: serializer } = await import('@opentelemetry/otlp-transformer');
  const now = Date.now();
  const written = serializer.serializeRequest({
    resource: { attributes: service } as unknown as ResourceMetrics['resource'],
    scopeMetrics: [
      { scope: { name: 'weir', version }, metrics: metrics.map((metric) => describe(metric, now)) },
    ],
  });
  return written!;
}

/** A metric as OpenTelemetry's SDK has it. */
function describe({ name, definition, series }: CollectedMetric, now: number): Metric {
  const { kind, description, unit } = definition;
  return {
    descriptor: { name, description, unit, valueType: double },
    aggregationTemporality: cumulative,
    dataPointType: kind === 'histogram' ? histogram : kind === 'gauge' ? gauge : sum,
    isMonotonic: kind === 'counter',
    dataPoints: series.map((each) => pointOf(each, now)),
  } as unknown as Metric;
}

/** The values of `ValueType`, `AggregationTemporality` and `DataPointType` in the SDK. */
const [double, cumulative, histogram, gauge, sum] = [1, 1, 0, 2, 3];

function pointOf({ attributes, since, value }: Series, now: number) {
  const facts = {
    attributes: Object.fromEntries(Object.entries(attributes).filter(([, each]) => each !== undefined)),
    startTime: timeOf(since),
    endTime: timeOf(now),
  };
  if (typeof value === 'number') return { ...facts, value };
  const { count, sum: total, counts, boundaries } = value;
  return { ...facts, value: { count, sum: total, buckets: { counts, boundaries } } };
}

/** Seconds and nanoseconds. */
const timeOf = (milliseconds: number): [number, number] => [
  Math.floor(milliseconds / 1000),
  Math.round((milliseconds % 1000) * 1e6),
];
