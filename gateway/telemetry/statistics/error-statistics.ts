import { type ErrorCode, errors } from '../../errors';
import type { Meter, Sum, Total } from '../metrics/meter';
import type { AttributesOf } from '../metrics/metric-table';
import { type TopSeries, topSeriesOf } from '../metrics/top-series';

/** Counts GraphQL errors in answers by code. The number of codes is bounded, as subgraphs choose their own. */
export class ErrorStatistics {
  readonly #sum: Sum<AttributesOf<'weir.graphql.errors'>>;
  readonly #foreign: TopSeries<Total>;

  constructor(meter: Meter) {
    const sum = meter.sum('weir.graphql.errors');
    this.#sum = sum;
    for (const code of defects) sum.of({ code, service: undefined });
    this.#foreign = topSeriesOf(sum, 'other\n', (key) => {
      const [code, service] = key.split('\n');
      return { code, service: service === '' ? undefined : service };
    });
  }

  /** @param extensions of an error, as clients see them */
  add(extensions: Readonly<Record<string, unknown>> | undefined): void {
    const { code, service } = extensions ?? {};
    if (isOwn(code) && service === undefined) this.#sum.add(1, { code, service });
    else this.#foreign.of(`${labelOf(code)}\n${labelOf(service)}`).value++;
  }

  /** Called before metrics are collected. */
  review(): void {
    this.#foreign.review();
  }
}

/** Created at the start with 0, as Prometheus misses the first increase of a series that does not begin at 0. */
const defects = ['INTERNAL_SERVER_ERROR', 'QUERY_PLANNING_FAILED'] satisfies ErrorCode[];

const isOwn = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(errors, code);

/** A text as a label. Characters that are not printable ASCII become question marks. */
const labelOf = (value: unknown): string =>
  typeof value === 'string' ? value.slice(0, 64).replace(/[^ -~]/g, '?') : '';
