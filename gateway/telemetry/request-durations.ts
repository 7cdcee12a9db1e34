import { METHODS } from 'node:http';
import { ValueType } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type ScopeMetrics } from '@opentelemetry/sdk-metrics';

/**
 * How long requests took: a histogram with the attributes `method` and `status`. Its buckets are plain numbers until
 * metrics are collected: the instrument of OpenTelemetry sorts and hashes the attributes of each value, which took a
 * tenth of what a hit of the response cache costs.
 */
export class RequestDurations {
  readonly #name: string;
  readonly #boundaries: readonly number[];
  readonly #byMethod = new Map<string, Map<number, Series>>();

  /** @param boundaries upper ends of the buckets, ascending, in seconds */
  constructor(name: string, boundaries: readonly number[]) {
    this.#name = name;
    this.#boundaries = boundaries;
  }

  record(seconds: number, method: string, status: number): void {
    const series = this.#seriesOf(method, status);
    const boundaries = this.#boundaries;
    let place = 0;
    while (place < boundaries.length && seconds > boundaries[place]!) place++;
    series.buckets[place]!++;
    series.sum += seconds;
  }

  collect(): ScopeMetrics {
    const dataPoints = [...this.#byMethod].flatMap(([method, byStatus]) =>
      [...byStatus].map(([status, series]) => ({
        startTime: never,
        endTime: never,
        attributes: { method, status },
        value: {
          buckets: { boundaries: [...this.#boundaries], counts: [...series.buckets] },
          sum: series.sum,
          count: series.buckets.reduce((count, bucket) => count + bucket, 0),
        },
      })),
    );
    const descriptor = {
      name: this.#name,
      description: 'How long requests to the endpoint took.',
      unit: '',
      valueType: ValueType.DOUBLE,
    };
    const metric = {
      descriptor,
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM as const,
      dataPoints,
    };
    return { scope: { name: 'weir' }, metrics: dataPoints.length === 0 ? [] : [metric] };
  }

  #seriesOf(method: string, status: number): Series {
    let byStatus = this.#byMethod.get(method);
    if (byStatus === undefined) {
      // Over HTTP/2 a client may call its method as it likes.
      if (!methods.has(method)) return this.#seriesOf(otherMethod, status);
      this.#byMethod.set(method, (byStatus = new Map<number, Series>()));
    }
    let series = byStatus.get(status);
    if (series === undefined) {
      series = { buckets: new Array<number>(this.#boundaries.length + 1).fill(0), sum: 0 };
      byStatus.set(status, series);
    }
    return series;
  }
}

interface Series {
  /** How many values are in each; the last is for those above all boundaries. */
  readonly buckets: number[];
  sum: number;
}

/** As OpenTelemetry's semantic conventions for HTTP have it. */
const otherMethod = '_OTHER';
const methods = new Set([...METHODS, otherMethod]);

/** Prometheus is told no times. */
const never: [number, number] = [0, 0];
