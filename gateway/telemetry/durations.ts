import { ValueType } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type ScopeMetrics } from '@opentelemetry/sdk-metrics';

export interface DurationsOptions {
  readonly name: string;
  readonly description: string;
  /** The names of the two attributes. */
  readonly attributes: readonly [string, string];
  /**
   * Values of the first attribute; others are counted together, as `_OTHER`.
   *
   * @default there may be any: none is made up by clients
   */
  readonly known?: ReadonlySet<string> | undefined;
  /** Upper ends of the buckets, ascending, in seconds. */
  readonly boundaries: readonly number[];
}

/**
 * How long something took: a histogram with two attributes. Its buckets are plain numbers until metrics are collected:
 * the instrument of OpenTelemetry sorts and hashes the attributes of each value, which took a tenth of what a hit of
 * the response cache costs.
 */
export class Durations<Second extends string | number> {
  readonly #options: DurationsOptions;
  readonly #series = new Map<string, Map<Second, Series>>();

  constructor(options: DurationsOptions) {
    this.#options = options;
  }

  record(seconds: number, first: string, second: Second): void {
    const series = this.#seriesOf(first, second);
    const { boundaries } = this.#options;
    let place = 0;
    while (place < boundaries.length && seconds > boundaries[place]!) place++;
    series.buckets[place]!++;
    series.sum += seconds;
  }

  collect(): ScopeMetrics {
    const { name, description, attributes, boundaries } = this.#options;
    const dataPoints = [...this.#series].flatMap(([first, bySecond]) =>
      [...bySecond].map(([second, { buckets, sum }]) => ({
        startTime: never,
        endTime: never,
        attributes: { [attributes[0]]: first, [attributes[1]]: second },
        value: {
          buckets: { boundaries: [...boundaries], counts: [...buckets] },
          sum,
          count: buckets.reduce((count, bucket) => count + bucket, 0),
        },
      })),
    );
    const metric = {
      descriptor: { name, description, unit: '', valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM as const,
      dataPoints,
    };
    return { scope: { name: 'weir' }, metrics: dataPoints.length === 0 ? [] : [metric] };
  }

  #seriesOf(first: string, second: Second): Series {
    let bySecond = this.#series.get(first);
    if (bySecond === undefined) {
      if (first !== others && this.#options.known?.has(first) === false)
        return this.#seriesOf(others, second);
      this.#series.set(first, (bySecond = new Map<Second, Series>()));
    }
    let series = bySecond.get(second);
    if (series === undefined) {
      series = { buckets: new Array<number>(this.#options.boundaries.length + 1).fill(0), sum: 0 };
      bySecond.set(second, series);
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
const others = '_OTHER';

/** Prometheus is told no times. */
const never: [number, number] = [0, 0];
