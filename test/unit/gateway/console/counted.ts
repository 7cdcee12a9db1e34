/** Counts for tests of reports: of operations whose plans are real ones. */
import type { CallTotals, CountedCache, CountedCalls } from '../../../../gateway/console/api';
import { CallCounter } from '../../../../gateway/console/call-totals';
import { type OutlinedCall, outlineCalls } from '../../../../gateway/explain/outline-calls';
import {
  CallStatistics,
  countedOperation,
  ProgramTally,
} from '../../../../gateway/telemetry/metrics/call-statistics';
import { Meter } from '../../../../gateway/telemetry/metrics/meter';
import { byPolicy, CacheStatistics } from '../../../../gateway/telemetry/statistics/cache-statistics';
import { Graph } from '../execution/graph';

/** Baskets are priced by what stock weighs, and reviews are about users and products. */
const shop = new Graph({
  accounts: { sdl: 'type Query { me: User } type User @key(fields: "id") { id: ID! name: String }' },
  products: {
    sdl: `
      type Query { product: Product }
      type Mutation { rename: Product }
      type Product @key(fields: "upc") { upc: ID! name: String }`,
  },
  reviews: {
    sdl: `
      type Review { text: String product: Product }
      type User @key(fields: "id") { id: ID! reviews: [Review] }
      type Product @key(fields: "upc") { upc: ID! reviews: [Review] }`,
  },
  prices: {
    sdl: `
      type Query { basket: [Item] }
      type Item @key(fields: "id") { id: ID! price: Int weight: Int @external shipping: Int @requires(fields: "weight") }`,
  },
  stock: {
    sdl: `
      type Item @key(fields: "id") { id: ID! weight: Int product: Product }
      type Product @key(fields: "upc", resolvable: false) { upc: ID! }`,
  },
});

const plans = new Map<string, readonly OutlinedCall[]>();
function planOf(source: string): readonly OutlinedCall[] {
  let plan = plans.get(source);
  if (plan === undefined) plans.set(source, (plan = outlineCalls(shop.compile(source), {})));
  return plan;
}

/** The counts of a process that has run operations of the shop, each so often. */
export class Counted {
  readonly calls: CallStatistics;
  readonly caches: CacheStatistics;
  readonly #counter: CallCounter;

  constructor(since = 0) {
    const meter = new Meter();
    this.calls = new CallStatistics(meter);
    this.caches = new CacheStatistics(meter);
    this.#counter = new CallCounter(this, since);
  }

  /**
   * Runs an operation, each call of whose plan is sent.
   *
   * @param isStorable whether its responses may be cached
   */
  run(source: string, times: number, { isOpen = true, isStorable = false } = {}): void {
    const plan = planOf(source);
    const [, type, name] = /^(\w+) (\w+)/.exec(source)!;
    const counted = countedOperation(type!, name);
    const tally = new ProgramTally(counted, this.calls, () => plan);
    for (let i = 0; i < times; i++) {
      tally.begin(isOpen);
      this.calls.of(counted).answers.pass++;
      for (const { subgraph } of plan) {
        const counts = tally.of(subgraph);
        counts.planned++;
        counts.sent++;
        counts.answers++;
        if (isStorable) counts.storable++;
      }
    }
  }

  read(at = 1): CallTotals {
    return this.#counter.read(at);
  }

  operation(name: string): CountedCalls {
    return this.read().operations.find((each) => each.name === name)!;
  }
}

/** A cache that has served something of an age below a second so often. */
export const cacheOf = ({
  served = 0,
  ...counts
}: Partial<CountedCache> & { readonly served?: number }): CountedCache => ({
  ...{ misses: 0, refreshed: 0, changed: 0 },
  ages: byPolicy((policy) => ({ counts: [policy === 'fresh' ? served : 0, 0], sum: 0 })),
  ...counts,
});
