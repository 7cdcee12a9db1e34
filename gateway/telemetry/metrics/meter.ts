import {
  type AttributesOf,
  type MetricDefinition,
  type MetricName,
  metricTable,
  type NamesOf,
} from './metric-table';

export type MetricAttributes = Readonly<Record<string, string | number | undefined>>;

/** A metric of the table, and its series. */
export interface CollectedMetric {
  readonly name: MetricName;
  readonly definition: MetricDefinition;
  readonly series: readonly Series[];
}

export interface Series {
  readonly attributes: MetricAttributes;
  /** When counting began, in milliseconds since 1970. */
  readonly since: number;
  /** A number, or the distribution of a histogram. */
  readonly value: number | Distribution;
}

/** Reads a value when metrics are collected. */
export type ReadValues<Name extends MetricName> = (
  observe: (value: number, attributes: AttributesOf<Name>) => void,
) => void;

/**
 * The values of one gateway, from which each metrics format is written. Counting is adding to plain numbers. Code that
 * counts on each request keeps the series (`of`), and so needs no look-up.
 */
export class Meter {
  readonly #sums = new Map<MetricName, Sum<MetricAttributes>>();
  readonly #histograms = new Map<MetricName, Histogram<MetricAttributes>>();
  readonly #reads = new Map<MetricName, ReadValues<never>[]>();

  /** Returns the same instrument each time. One without attributes is collected from now on, starting at 0. */
  sum<Name extends NamesOf<'counter' | 'upDownCounter'>>(name: Name): Sum<AttributesOf<Name>> {
    const sum = instrumentIn(this.#sums, name, () => new Sum(name));
    const { attributes }: MetricDefinition = metricTable[name];
    if (attributes === undefined) sum.of({});
    return sum as unknown as Sum<AttributesOf<Name>>;
  }

  /** Returns the same instrument each time. */
  histogram<Name extends NamesOf<'histogram'>>(name: Name): Histogram<AttributesOf<Name>> {
    return instrumentIn(this.#histograms, name, () => new Histogram(name)) as unknown as Histogram<
      AttributesOf<Name>
    >;
  }

  /**
   * Reads values that are counted elsewhere, whenever metrics are collected. Values with equal attributes are added.
   */
  observe<Name extends NamesOf<'counter' | 'upDownCounter' | 'gauge'>>(
    name: Name,
    read: ReadValues<Name>,
  ): void {
    const reads = this.#reads.get(name);
    if (reads === undefined) this.#reads.set(name, [read]);
    else reads.push(read);
  }

  /**
   * The metrics that have a series, in the order of the table.
   *
   * @param only those that are read. @default all
   */
  collect(only?: ReadonlySet<MetricName>): CollectedMetric[] {
    return names.flatMap((name) => {
      if (only?.has(name) === false) return [];
      const series = [
        ...(this.#sums.get(name)?.series() ?? []),
        ...(this.#histograms.get(name)?.series() ?? []),
        ...this.#read(name),
      ];
      return series.length === 0 ? [] : [{ name, definition: metricTable[name], series }];
    });
  }

  #read(name: MetricName): Series[] {
    const read = new Sum<MetricAttributes>(name, began);
    for (const each of this.#reads.get(name) ?? [])
      each((value: number, attributes: MetricAttributes) => read.add(value, attributes));
    return read.series();
  }
}

/** The start of counting for observed values: the start of the process. */
const began = Math.round(performance.timeOrigin);

const names = Object.keys(metricTable) as MetricName[];

function instrumentIn<Instrument>(
  instruments: Map<MetricName, Instrument>,
  name: MetricName,
  create: () => Instrument,
): Instrument {
  let instrument = instruments.get(name);
  if (instrument === undefined) instruments.set(name, (instrument = create()));
  return instrument;
}

/** A metric with a series per set of attributes. */
abstract class Instrument<Given extends MetricAttributes, Value> {
  readonly #attributes: readonly string[];
  readonly #series = new Map<string, CountedValue<Given, Value>>();
  readonly #since: number | undefined;

  /** @param since when counting began. @default when each series began */
  constructor(name: MetricName, since?: number) {
    const { attributes = {} }: MetricDefinition = metricTable[name];
    this.#attributes = Object.keys(attributes);
    this.#since = since;
  }

  /** The series with these attributes. Code that counts often should keep it. */
  of(attributes: Given): Value {
    const key = this.#keyOf(attributes);
    let counted = this.#series.get(key);
    if (counted === undefined) {
      counted = { attributes, since: this.#since ?? Date.now(), value: this.begin() };
      this.#series.set(key, counted);
    }
    return counted.value;
  }

  /** Removes a series. Its later counts are not collected. */
  remove(attributes: Given): void {
    this.#series.delete(this.#keyOf(attributes));
  }

  series(): Series[] {
    return [...this.#series.values()].map(({ attributes, since, value }) => ({
      ...{ attributes, since },
      value: this.read(value),
    }));
  }

  protected abstract begin(): Value;
  protected abstract read(value: Value): Series['value'];

  #keyOf(attributes: Given): string {
    return this.#attributes.map((name) => attributes[name] ?? '').join('\0');
  }
}

interface CountedValue<Given, Value> {
  readonly attributes: Given;
  readonly since: number;
  readonly value: Value;
}

/** A sum. */
export class Sum<Given extends MetricAttributes> extends Instrument<Given, Total> {
  add(amount: number, attributes: Given): void {
    this.of(attributes).value += amount;
  }

  protected begin(): Total {
    return { value: 0 };
  }

  protected read({ value }: Total): number {
    return value;
  }
}

export interface Total {
  value: number;
}

/** A histogram of values. */
export class Histogram<Given extends MetricAttributes> extends Instrument<Given, Distribution> {
  readonly #boundaries: readonly number[];

  constructor(name: MetricName) {
    super(name);
    const { boundaries = [] }: MetricDefinition = metricTable[name];
    this.#boundaries = boundaries;
  }

  protected begin(): Distribution {
    return new Distribution(this.#boundaries);
  }

  protected read(distribution: Distribution): Distribution {
    return distribution;
  }
}

/** A value of a histogram, and the trace that it is of. */
export interface Exemplar {
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** The span of what is measured. */
interface MeasuredSpan {
  readonly id: string;
  readonly trace: { readonly id: string; readonly isExported: boolean };
}

export class Distribution {
  /** The number of values per bucket. The last bucket is for values above all boundaries. */
  readonly counts: number[];
  /** The last one of each bucket; undefined while there is none. */
  exemplars: (Exemplar | undefined)[] | undefined;
  sum = 0;
  readonly boundaries: readonly number[];

  constructor(boundaries: readonly number[]) {
    this.boundaries = boundaries;
    this.counts = new Array<number>(boundaries.length + 1).fill(0);
  }

  /** @param span an exemplar, if it is exported. @default none is recorded */
  record(value: number, span?: MeasuredSpan): void {
    const { boundaries, counts } = this;
    let bucket = 0;
    while (bucket < boundaries.length && value > boundaries[bucket]!) bucket++;
    counts[bucket]!++;
    this.sum += value;
    if (span?.trace.isExported !== true) return;
    this.exemplars ??= new Array<Exemplar | undefined>(counts.length).fill(undefined);
    this.exemplars[bucket] = { value, traceId: span.trace.id, spanId: span.id, at: Date.now() };
  }

  get count(): number {
    return this.counts.reduce((count, each) => count + each, 0);
  }
}
