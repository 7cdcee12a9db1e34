import type { Meter } from '@opentelemetry/api';
import { LRUCache } from 'lru-cache';
import { type CallCounts, noCalls } from './call-counts';
import type { SubgraphOperation } from '../subgraph-calls/transport';

/** Counts in plain numbers; instruments look at them when metrics are collected. */
export class CallStatistics {
  readonly #totals = noCalls();
  readonly #sent = new Map<string, OperationCounts>();

  constructor(meter: Meter) {
    const fetches = meter.createObservableCounter('weir.subgraph.fetches', {
      description: 'Fetches of query plans, by result: only those that were sent cost a call.',
    });
    fetches.addCallback((result) => {
      for (const name of results) result.observe(this.#totals[name], { result: name });
    });
    const calls = meter.createObservableCounter('weir.subgraph.calls', {
      description:
        'Calls of subgraphs by operation, to find the chattiest; those of rare operations are counted as `other`.',
    });
    calls.addCallback((result) => {
      for (const [subgraph, counts] of this.#sent) {
        for (const [operation, count] of counts.entries()) result.observe(count, { subgraph, operation });
      }
    });
  }

  /** Adds what became of the calls of one client request. */
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
  sent({ subgraph, name }: SubgraphOperation): void {
    let counts = this.#sent.get(subgraph);
    if (counts === undefined) this.#sent.set(subgraph, (counts = new OperationCounts()));
    counts.add(name);
  }
}

/** What a fetch comes to. */
const results = ['merged', 'deduplicated', 'batched', 'cached', 'sent'] as const;

/**
 * How often the operations of one subgraph were sent. Clients name operations, so there can be any number of them:
 * those that were not sent for longest are counted together.
 */
class OperationCounts {
  #others = 0;
  readonly #counts = new LRUCache<string, { count: number }>({
    max: mostOperations,
    dispose: ({ count }) => {
      this.#others += count;
    },
  });

  add(name = 'anonymous'): void {
    const known = this.#counts.get(name);
    if (known !== undefined) known.count++;
    else if (name.length > longestName) this.#others++;
    else this.#counts.set(name, { count: 1 });
  }

  *entries(): Iterable<readonly [operation: string, count: number]> {
    for (const [name, { count }] of this.#counts.entries()) yield [name, count];
    yield ['other', this.#others];
  }
}

const mostOperations = 100;
const longestName = 128;
