import type { CallReport, CallTotals, ChattyPair, CountedCalls, FetchTotals, ServicePair } from './api';
import { addCounts, joined } from './call-totals';
import { adviseOnCaches, adviseOnPair } from './call-advice';

/** What the counts say: who calls whom how often, and what would be better. */
export function reportOf(totals: CallTotals): CallReport {
  const pairs = pairsOf(totals);
  const advice = pairs.flatMap((pair) => (pair.advice === '' ? [] : [pair.advice]));
  return {
    ...totals,
    pairs,
    services: servicesOf(totals),
    advice: [...advice, ...adviseOnCaches(totals.caches)],
  };
}

/** Operations and the subgraphs that they call, those with the most calls per request first. */
export function pairsOf({ operations }: CallTotals): ChattyPair[] {
  return operations
    .flatMap((operation) =>
      Object.entries(operation.fetches).map(([subgraph, fetches]) => pairOf(operation, subgraph, fetches)),
    )
    .sort(byCalls);
}

const byCalls = (one: ChattyPair, other: ChattyPair): number =>
  other.callsPerRequest - one.callsPerRequest ||
  other.requests - one.requests ||
  (one.operation < other.operation ? -1 : 1);

/** What the console's pages show of a report. */
export interface CallPairs extends Pick<CallReport, 'since' | 'at' | 'pairs'> {
  readonly services: readonly Pick<ServicePair, 'from' | 'to' | 'calls'>[];
}

/** The pairs of several gateways together. @param all at least one */
export function addPairs(all: readonly CallPairs[]): CallPairs {
  return {
    since: Math.min(...all.map(({ since }) => since)),
    at: Math.max(...all.map(({ at }) => at)),
    pairs: joined(
      all.flatMap(({ pairs }) => pairs),
      ({ operation, subgraph }) => `${operation}\n${subgraph}`,
      addPair,
    ).sort(byCalls),
    services: joined(
      all.flatMap(({ services }) => services),
      ({ from, to }) => `${from}\n${to}`,
      (one, other) => ({ ...one, calls: one.calls + other.calls }),
    ),
  };
}

function addPair(one: ChattyPair, other: ChattyPair): ChattyPair {
  const requests = one.requests + other.requests;
  const mean = (name: 'callsPerRequest' | 'plannedPerRequest'): number =>
    requests === 0 ? 0 : (one[name] * one.requests + other[name] * other.requests) / requests;
  return {
    // The advice for the operation that is called most.
    ...(one.requests < other.requests ? other : one),
    requests,
    callsPerRequest: mean('callsPerRequest'),
    plannedPerRequest: mean('plannedPerRequest'),
    saved: addCounts(one.saved, other.saved, 1),
  };
}

function pairOf(operation: CountedCalls, subgraph: string, fetches: FetchTotals): ChattyPair {
  const { planned, merged, deduplicated, batched, cached, sent } = fetches;
  const { name, executions } = operation;
  const perRequest = (count: number): number => (executions === 0 ? 0 : count / executions);
  return {
    operation: name,
    subgraph,
    requests: executions,
    callsPerRequest: perRequest(sent),
    plannedPerRequest: perRequest(planned),
    saved: { merged, deduplicated, batched, cached },
    advice: adviseOnPair(operation, subgraph, fetches).join(' '),
  };
}

/** How many client requests an operation has had, those that a cache has answered included. */
export const requestsOf = ({ answers }: CountedCalls): number =>
  Object.values(answers).reduce((sum, count) => sum + count, 0);

function servicesOf({ operations }: CallTotals): ServicePair[] {
  const requests = operations.reduce((sum, operation) => sum + requestsOf(operation), 0);
  const calls = new Map<string, { from: string; to: string; calls: number }>();
  for (const { fetches, plan } of operations) {
    for (const [to, { sent }] of Object.entries(fetches)) {
      const planned = plan.filter(({ subgraph }) => subgraph === to);
      // Without a plan nobody knows whose answers they need.
      const origins =
        planned.length === 0 ? [['gateway']] : planned.map(({ needs }) => originsOf(needs, plan));
      for (const some of origins)
        for (const from of some) {
          const key = `${from}\n${to}`;
          const pair = calls.get(key) ?? { from, to, calls: 0 };
          pair.calls += sent / origins.length;
          calls.set(key, pair);
        }
    }
  }
  return [...calls.values()]
    .filter((pair) => pair.calls > 0)
    .map((pair) => ({ ...pair, callsPerRequest: requests === 0 ? 0 : pair.calls / requests }))
    .sort((one, other) => other.calls - one.calls);
}

function originsOf(needs: readonly number[], plan: CountedCalls['plan']): string[] {
  const origins = new Set(needs.flatMap((at) => plan[at]?.subgraph ?? []));
  return origins.size === 0 ? ['gateway'] : [...origins];
}
