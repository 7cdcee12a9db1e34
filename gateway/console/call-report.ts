import type { CallReport, CallTotals, ChattyPair, CountedCalls, FetchTotals, ServicePair } from './api';
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
    .sort(
      (one, other) =>
        other.callsPerRequest - one.callsPerRequest ||
        other.requests - one.requests ||
        (one.operation < other.operation ? -1 : 1),
    );
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
