import { type DocumentNode, parse } from 'graphql';
import { type QueryPlan } from '../../gateway/execution/compile/plan';
import { defaultBudget, StepCount } from '../../gateway/planning/budget';
import { runAtOnce } from '../../schema/supergraph/sliced-work';
import { type EntityFacts, entityFactsOf as readEntityFacts } from '../../gateway/planning/entity-facts';
import { type EventFields } from '../../gateway/planning/event-fields';
import { planOperation } from '../../gateway/planning/plan-operation';
import { printPlan } from '../../gateway/explain/print-plan';
import { readSupergraph, type SupergraphFacts } from '../../gateway/planning/supergraph-facts';
import { Features } from '../../schema/supergraph/features';
import { indexOf } from '../../gateway/planning/supergraph-index/read-supergraph';
import { type SupergraphIndex } from '../../gateway/planning/supergraph-index';

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
  const { facts, index } = runAtOnce(readSupergraph(supergraphSdl, eventFields));
  return {
    supergraph: facts,
    plan: (text, operationName, overrideLabels) => {
      const operation = { document: parse(text, { noLocation: true }), operationName, overrideLabels };
      return runAtOnce(planOperation(operation, index, new StepCount(defaultBudget)));
    },
  };
}

export const formatQueryPlan = printPlan;

/** The index of a supergraph that is not checked. */
export const indexAtOnce = (supergraph: DocumentNode): SupergraphIndex =>
  runAtOnce(indexOf(supergraph, new Features(supergraph)));

export const entityFactsOf = (supergraph: DocumentNode): EntityFacts =>
  runAtOnce(readEntityFacts(supergraph, indexAtOnce(supergraph)));
