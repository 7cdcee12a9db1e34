import { createPlanner, type QueryPlan } from './planning';

/** What running an operation takes at least. */
export interface PlanCost {
  /** Calls of subgraphs. */
  readonly fetches: number;
  /** Of these, how many at most have to wait for one another. */
  readonly chain: number;
}

/**
 * Plans operations and tells what they take; undefined for one that cannot be planned, as when it is not valid any more.
 * Rejects when the supergraph does not build.
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
        planner.plan(operation, undefined).then(
          ({ node }) => costOf(node),
          () => undefined,
        ),
      ),
    );
  } finally {
    await planner.close();
  }
}

function costOf(node: QueryPlan['node']): PlanCost {
  switch (node?.kind) {
    case 'Fetch':
      return { fetches: 1, chain: 1 };
    case 'Flatten':
      return costOf(node.node);
    case 'Sequence':
      return inTurn(node.nodes.map(costOf));
    case 'Parallel':
      return atOnce(node.nodes.map(costOf));
    case 'Condition':
      return atOnce([costOf(node.ifClause), costOf(node.elseClause)]);
    default:
      return { fetches: 0, chain: 0 };
  }
}

const inTurn = (costs: readonly PlanCost[]): PlanCost => ({
  fetches: costs.reduce((sum, { fetches }) => sum + fetches, 0),
  chain: costs.reduce((sum, { chain }) => sum + chain, 0),
});

const atOnce = (costs: readonly PlanCost[]): PlanCost => ({
  fetches: inTurn(costs).fetches,
  chain: Math.max(0, ...costs.map(({ chain }) => chain)),
});
