/**
 * Works around defects of the planner (version 2.14): in the supergraph and in operations before planning, and in plans
 * after it. Each defect has a file of its own, which describes it and names the upstream issue. `still-needed.test.ts`
 * fails for a fix that a new version of the planner no longer needs.
 */
import { DirectiveLocation, type DocumentNode, type GraphQLSchema } from 'graphql';
import { type QueryPlan } from '../../execution/compile/plan';
import { type EntityFacts } from '../entity-facts';
import { withObjectConditions } from './abstract-conditions';
import { abstractTypesOf, hasConditionsOn } from './abstract-types';
import { nameFragmentsWithoutType, withTypedPaths } from './aliases-in-conditions';
import { withUnconditionalSelections } from './conditional-selections';
import { withoutDoubledConditions } from './doubled-conditions';
import { mergeEqualFetchesInOrder } from './equal-fetches';
import { namesOfRequiring, withConditionsOnFields } from './fragment-conditions';
import { hollowInterfacesOf, withTypesOfHollow } from './hollow-interfaces';
import { withoutIntrospection } from './introspection-fields';
import { withoutLiteralConditions } from './literal-conditions';
import { keepLocalSelections } from './merged-trees';
import { withDirectivesOfKind } from './operation-directives';
import { withClientVariables, withMutationsOnce } from './repeated-mutations';
import { requiredArguments } from './required-arguments';
import { withResolvableKeysFirst } from './resolvable-keys';
import { disguised, plannerFieldNames, renamingOf, restored } from './response-names';
import { withTypesTogether } from './restored-types';
import { directivesNotOn, withoutSpreadDirectives } from './spread-directives';
import { withTypeKeys } from './type-keys';
import { typesApart } from './types-apart';

/** Plans an operation of a valid document. */
export type PlanOperation = (document: DocumentNode, operationName: string | undefined) => QueryPlan;

export interface Mends {
  /** The supergraph to build the planner from. */
  readonly supergraph: DocumentNode;
  /** Whether it has fields that the original supergraph lacks. */
  readonly hasStandIns: boolean;
  /**
   * Wraps a planner of that supergraph with the fixes.
   *
   * @param apiSchema returns the schema that operations are valid for; called only if a plan needs it
   */
  readonly mend: (plan: PlanOperation, apiSchema: () => GraphQLSchema) => PlanOperation;
}

/** @param original the supergraph, parsed */
export function mendsOf(original: DocumentNode, { subgraphs }: EntityFacts): Mends {
  keepLocalSelections();
  nameFragmentsWithoutType();
  mergeEqualFetchesInOrder();
  const ordered = withResolvableKeysFirst(original);
  const required = requiredArguments(ordered);
  const supergraph = required?.supergraph ?? ordered;
  const plannerNames = plannerFieldNames(supergraph);
  const abstractTypes = abstractTypesOf(original);
  const requiring = namesOfRequiring(original, abstractTypes);
  const spreadDirectives = directivesNotOn(DirectiveLocation.INLINE_FRAGMENT, original);
  const notOnQueries = directivesNotOn(DirectiveLocation.QUERY, original);
  const hollowInterfaces = hollowInterfacesOf(original);
  return {
    supergraph,
    hasStandIns: required !== undefined,
    mend: (plan, apiSchema) => (document, operationName) => {
      const decided = withoutSpreadDirectives(
        withoutLiteralConditions(withoutIntrospection(document)),
        spreadDirectives,
      );
      const once = withMutationsOnce(decided, operationName);
      const conditioned = withUnconditionalSelections(withConditionsOnFields(once.document, requiring));
      const prepared = withTypesOfHollow(conditioned, hollowInterfaces, apiSchema);
      const apart = hasConditionsOn(abstractTypes, prepared)
        ? typesApart(prepared, apiSchema(), abstractTypes)
        : undefined;
      const asked = apart?.document ?? prepared;
      const renaming = renamingOf(asked, plannerNames, apart?.originals);
      const plannedByType = withClientVariables(
        planWithRetry(renaming ? disguised(asked, renaming) : asked, operationName),
        once.variables,
      );
      const planned = withTypeKeys(
        withTypedPaths(withDirectivesOfKind(plannedByType, document, notOnQueries)),
        subgraphs,
      );
      const named = renaming ? restored(planned, renaming) : planned;
      const together = apart ? withTypesTogether(named, apart.names, apiSchema()) : named;
      return required ? required.mend(together) : together;

      function planWithRetry(asked: DocumentNode, name: string | undefined): QueryPlan {
        try {
          return plan(asked, name);
        } catch (error) {
          // Other errors, such as those of planner limits, would occur again.
          const reason = error instanceof Error ? error.message : '';
          if (reason.startsWith('We should have an edge'))
            return plan(withObjectConditions(asked, apiSchema()), name);
          if (reason.startsWith('Cannot add selection of field'))
            return plan(withoutDoubledConditions(asked, apiSchema()), name);
          throw error;
        }
      }
    },
  };
}
