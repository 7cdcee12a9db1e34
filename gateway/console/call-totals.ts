import type { CallStatistics, OperationCalls, ProgramTally } from '../telemetry/metrics/call-statistics';
import {
  byPolicy,
  type CacheCounts,
  type CacheStatistics,
  type ServedAs,
} from '../telemetry/statistics/cache-statistics';
import type { CallTotals, CountedAges, CountedCache, CountedCalls, FetchTotals, PlannedCall } from './api';

export interface CountedParts {
  readonly calls: Pick<CallStatistics, 'operations'>;
  readonly caches: Pick<CacheStatistics, 'responses' | 'entities'>;
}

/** Reads the counts of a process. Plans are remembered, as programs may be gone when the next report is read. */
export class CallCounter {
  readonly #parts: CountedParts;
  readonly #since: number;
  readonly #plans = new WeakMap<ProgramTally, readonly PlannedCall[]>();

  /** @param since Unix milliseconds */
  constructor(parts: CountedParts, since: number) {
    this.#parts = parts;
    this.#since = since;
  }

  /** @param at Unix milliseconds */
  read(at: number): CallTotals {
    const { calls, caches } = this.#parts;
    const entities = [...caches.entities].flatMap(([subgraph, byType]) =>
      [...byType].map(([type, counts]) => ({ subgraph, type, ...readCache(counts) })),
    );
    return {
      since: this.#since,
      at,
      processes: 1,
      operations: Array.from(calls.operations, (each) => this.#readOperation(each)).filter(isUsed),
      caches: [readCache(caches.responses), ...entities],
    };
  }

  #readOperation({
    name,
    type,
    executions,
    answers,
    isOpen,
    bySubgraph,
    program,
  }: OperationCalls): CountedCalls {
    const fetches = Object.fromEntries(
      [...bySubgraph].map(([subgraph, counts]) => [subgraph, { ...counts }]),
    );
    return { name, type, executions, answers: { ...answers }, isOpen, fetches, plan: this.#planOf(program) };
  }

  #planOf(program: ProgramTally | undefined): readonly PlannedCall[] {
    if (program === undefined) return [];
    let plan = this.#plans.get(program);
    if (plan === undefined) {
      plan = program.outline() ?? [];
      this.#plans.set(program, plan);
    }
    return plan;
  }
}

const isUsed = ({ executions, answers }: CountedCalls): boolean =>
  executions > 0 || Object.values(answers).some((count) => count > 0);

function readCache({ misses, refreshed, changed, ages }: CacheCounts): CountedCache {
  const read = (policy: ServedAs): CountedAges => ({
    counts: [...ages[policy].counts],
    sum: ages[policy].sum,
  });
  return { misses, refreshed, changed, ages: byPolicy(read) };
}

/** The counts of several processes together. @param all at least one */
export function addTotals(all: readonly CallTotals[]): CallTotals {
  return {
    since: Math.min(...all.map(({ since }) => since)),
    at: Math.max(...all.map(({ at }) => at)),
    processes: all.reduce((sum, { processes }) => sum + processes, 0),
    operations: joined(
      all.flatMap(({ operations }) => operations),
      operationKey,
      (one, other) => combined(one, other, 1),
    ),
    caches: joined(
      all.flatMap(({ caches }) => caches),
      cacheKey,
      (one, other) => combinedCaches(one, other, 1),
    ),
  };
}

/** What was counted between two times. What was counted anew since, because other operations were more used, counts whole. */
export function subtractTotals(later: CallTotals, earlier: CallTotals): CallTotals {
  const operations = new Map(earlier.operations.map((each) => [operationKey(each), each]));
  const caches = new Map(earlier.caches.map((each) => [cacheKey(each), each]));
  return {
    ...later,
    since: earlier.at,
    operations: later.operations
      .map((each) => {
        const before = operations.get(operationKey(each));
        return before === undefined || before.executions > each.executions
          ? each
          : combined(each, before, -1);
      })
      .filter(isUsed),
    caches: later.caches.map((each) => {
      const before = caches.get(cacheKey(each));
      return before === undefined ? each : combinedCaches(each, before, -1);
    }),
  };
}

const operationKey = ({ type, name }: CountedCalls): string => `${type} ${name}`;
const cacheKey = ({ subgraph = '', type = '' }: CountedCache): string => `${subgraph} ${type}`;

/** Joins those of equal keys. */
export function joined<Counted>(
  all: readonly Counted[],
  keyOf: (counted: Counted) => string,
  join: (one: Counted, other: Counted) => Counted,
): Counted[] {
  const byKey = new Map<string, Counted>();
  for (const each of all) {
    const known = byKey.get(keyOf(each));
    byKey.set(keyOf(each), known === undefined ? each : join(known, each));
  }
  return [...byKey.values()];
}

/** `one` and `sign` times `other`. */
function combined(one: CountedCalls, other: CountedCalls, sign: 1 | -1): CountedCalls {
  const subgraphs = new Set([...Object.keys(one.fetches), ...Object.keys(other.fetches)]);
  const fetches: [string, FetchTotals][] = Array.from(subgraphs, (subgraph) => [
    subgraph,
    addCounts(one.fetches[subgraph] ?? noFetches, other.fetches[subgraph] ?? noFetches, sign),
  ]);
  return {
    ...one,
    executions: one.executions + sign * other.executions,
    answers: addCounts(one.answers, other.answers, sign),
    isOpen: one.isOpen && (sign === -1 || other.isOpen),
    fetches: Object.fromEntries(fetches),
    plan: one.plan.length > 0 ? one.plan : other.plan,
  };
}

function combinedCaches(one: CountedCache, other: CountedCache, sign: 1 | -1): CountedCache {
  const agesOf = (policy: ServedAs): CountedAges => {
    const { counts, sum: total } = one.ages[policy];
    const { counts: more, sum: rest } = other.ages[policy];
    const added = counts.map((count, i) => count + sign * (more[i] ?? 0));
    return { counts: added, sum: total + sign * rest };
  };
  return {
    ...one,
    ...addCounts(
      { misses: one.misses, refreshed: one.refreshed, changed: one.changed },
      { misses: other.misses, refreshed: other.refreshed, changed: other.changed },
      sign,
    ),
    ages: byPolicy(agesOf),
  };
}

/** `one` and `sign` times `other`. */
export function addCounts<Name extends string>(
  one: Readonly<Record<Name, number>>,
  other: Readonly<Record<Name, number>>,
  sign: 1 | -1,
): Record<Name, number> {
  const names = Object.keys(one) as Name[];
  return Object.fromEntries(names.map((name) => [name, one[name] + sign * other[name]])) as Record<
    Name,
    number
  >;
}

const noFetches: FetchTotals = {
  ...{ planned: 0, merged: 0, deduplicated: 0, batched: 0, cached: 0, sent: 0 },
  ...{ answers: 0, storable: 0 },
};
