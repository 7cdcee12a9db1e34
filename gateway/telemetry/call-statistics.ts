import { type CallCounts, noCalls } from './call-counts';
import type { Meter, Sum, Total } from './meter';
import type { AttributesOf } from './metric-table';
import { TopSeries } from './top-series';
import type { SubgraphOperation } from '../subgraph-calls/transport';

/** Counts subgraph calls in plain numbers. */
export class CallStatistics {
  readonly #totals = noCalls();
  readonly #calls: Sum<AttributesOf<'weir.subgraph.calls'>>;
  /** By subgraph. */
  readonly #sent = new Map<string, TopSeries<Total>>();

  constructor(meter: Meter) {
    meter.observe('weir.subgraph.fetches', (observe) => {
      for (const result of results) observe(this.#totals[result], { result });
    });
    this.#calls = meter.sum('weir.subgraph.calls');
  }

  /** Adds the counts of one client request. */
  add(counts: CallCounts): void {
    const totals = this.#totals;
    totals.planned += counts.planned;
    totals.merged += counts.merged;
    totals.deduplicated += counts.deduplicated;
    totals.batched += counts.batched;
    totals.cached += counts.cached;
    totals.sent += counts.sent;
  }

  /** Counts a call that is made. */
  sent({ subgraph, name = 'anonymous' }: SubgraphOperation): void {
    let series = this.#sent.get(subgraph);
    if (series === undefined) this.#sent.set(subgraph, (series = this.#seriesOf(subgraph)));
    series.of(name).value++;
  }

  /** Called before metrics are collected. */
  review(): void {
    for (const series of this.#sent.values()) series.review();
  }

  /** Bounded, as clients choose the names of operations. */
  #seriesOf(subgraph: string): TopSeries<Total> {
    const calls = this.#calls;
    const attributesOf = (name: string) => ({ subgraph, 'graphql.operation.name': name });
    return new TopSeries({
      most: 100,
      open: (name) => calls.of(attributesOf(name)),
      close: (name) => calls.remove(attributesOf(name)),
      othersName: 'other',
      get others() {
        return calls.of(attributesOf('other'));
      },
    });
  }
}

/** The possible results of a fetch. */
const results = ['merged', 'deduplicated', 'batched', 'cached', 'sent'] as const;
