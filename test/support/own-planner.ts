import { parse } from 'graphql';
import { type QueryPlan } from '../../gateway/execution/compile/plan';
import { type EventFields } from '../../gateway/planning/event-fields';
import { withoutIncrementalDirectives } from '../../gateway/planning/incremental-delivery';
import { OperationPlanner } from '../../gateway/planning/operation-planner';
import { printPlan } from '../../gateway/planning/print';
import { readSupergraph, type SupergraphFacts } from '../../gateway/planning/supergraph-facts';

/** Plans at once, in a test. Throws what the planner refuses. */
export function buildQueryPlanner({
  supergraphSdl,
  eventFields = {},
}: {
  readonly supergraphSdl: string;
  readonly eventFields?: EventFields | undefined;
}): {
  readonly supergraph: SupergraphFacts;
  readonly plan: (
    document: string,
    operationName: string | undefined,
    overrideLabels: readonly string[],
  ) => QueryPlan;
} {
  const { facts, supergraph } = readSupergraph(parse(supergraphSdl, { noLocation: true }), eventFields);
  const planner = new OperationPlanner(supergraph);
  return {
    supergraph: facts,
    plan: (text, operationName, overrideLabels) => {
      const document = withoutIncrementalDirectives(parse(text, { noLocation: true }));
      return planner.plan({ document, operationName, overrideLabels });
    },
  };
}

export const formatQueryPlan = printPlan;
