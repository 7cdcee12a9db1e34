import { fetchesOf } from '../execution/compile/order';
import { createPlanner, type QueryPlan } from '../planning';

/** What running an operation takes at least. */
export interface PlanCost {
  /** Calls of subgraphs. */
  readonly fetches: number;
  /** Of these, how many at most have to wait for one another. */
  readonly chain: number;
}

/**
 * Plans operations and tells what they take; undefined for one that cannot be planned or run, as when it is not valid
 * any more. Rejects when the supergraph does not build.
 */
export async function measurePlans(
  supergraphSdl: string,
  operations: readonly string[],
): Promise<(PlanCost | undefined)[]> {
  const planner = createPlanner({ supergraphSdl });
  try {
    await planner.ready;
    return await Promise.all(
      operations.map((operation) =>
        planner
          .plan(operation, undefined)
          .then(costOf)
          .catch(() => undefined),
      ),
    );
  } finally {
    await planner.close();
  }
}

/** Throws for what the engine does not run. Both sides of a condition count. */
function costOf(plan: QueryPlan): PlanCost {
  const chains: number[] = [];
  for (const { before } of fetchesOf(plan))
    chains.push(1 + Math.max(0, ...before.map((earlier) => chains[earlier]!)));
  return { fetches: chains.length, chain: Math.max(0, ...chains) };
}
