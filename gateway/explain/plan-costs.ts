import { buildSchema, type GraphQLSchema, parse, validate } from 'graphql';
import { fetchesOf } from '../execution/compile/order';
import { Planner, type QueryPlan } from '../planning';

/** The least cost of running an operation. */
export interface PlanCost {
  /** The number of subgraph calls. Fetches from a subgraph that start at the same time share one. */
  readonly fetches: number;
  /** The longest sequence of calls of which each depends on the previous one. */
  readonly chain: number;
}

/**
 * Plans operations and measures the plans. Undefined for an operation that cannot be planned or run, for example
 * because it is no longer valid. Rejects when the supergraph does not build.
 */
export async function measurePlans(
  supergraphSdl: string,
  operations: readonly string[],
): Promise<(PlanCost | undefined)[]> {
  const planner = new Planner({ supergraphSdl });
  try {
    const { apiSchemaSdl } = await planner.ready;
    const schema = buildSchema(apiSchemaSdl.join(''));
    const costs: (PlanCost | undefined)[] = [];
    for (const operation of operations)
      costs.push(
        isValid(schema, operation)
          ? await planner
              .plan(operation, undefined)
              .then(costOf)
              .catch(() => undefined)
          : undefined,
      );
    return costs;
  } finally {
    await planner.close();
  }
}

/** Plans are made of valid operations only. */
function isValid(schema: GraphQLSchema, operation: string): boolean {
  try {
    return validate(schema, parse(operation)).length === 0;
  } catch {
    return false;
  }
}

/** The cost of a plan, with both sides of conditions. Throws for nodes that the engine does not support. */
export function costOf(plan: QueryPlan): PlanCost {
  const chains: number[] = [];
  const calls = new Set<string>();
  for (const { before, node } of fetchesOf(plan)) {
    const chain = 1 + Math.max(0, ...before.map((earlier) => chains[earlier]!));
    chains.push(chain);
    calls.add(`${chain} ${node.serviceName}`);
  }
  return { fetches: calls.size, chain: Math.max(0, ...chains) };
}
