import { type DocumentNode, Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql';
import { type FetchNode, type QueryPlan } from '../../execution/compile/plan';
import { mapFetches } from './map-fetches';

/**
 * Leaves out directives that may stand on mutations, but not on queries, where a mutation goes on with queries: the
 * planner writes the directives of the operation on every fetch, and a subgraph refuses the entity fetches.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/pull/2967 is why such directives are written at all.
 *
 * @param document whose operation is planned
 * @param notOnQueries names of these directives
 */
export function withDirectivesOfKind(
  plan: QueryPlan,
  document: DocumentNode,
  notOnQueries: ReadonlySet<string>,
): QueryPlan {
  const isUsed = document.definitions.some(
    (one) =>
      one.kind === Kind.OPERATION_DEFINITION &&
      one.directives?.some(({ name }) => notOnQueries.has(name.value)) === true,
  );
  if (!isUsed) return plan;
  return mapFetches(plan, (node) =>
    node.operationKind === 'query' ? withoutDirectives(node, notOnQueries) : node,
  );
}

/** The fetch without these directives of its operation, and without the variables that nothing else uses. */
function withoutDirectives(node: FetchNode, names: ReadonlySet<string>): FetchNode {
  const used = new Set<string>();
  const without = visit(parse(node.operation, { noLocation: true }), {
    OperationDefinition: ({ directives = [], ...operation }) => ({
      ...operation,
      directives: directives.filter(({ name }) => !names.has(name.value)),
    }),
    VariableDefinition: () => false,
    Variable: ({ name }) => void used.add(name.value),
  });
  const document = visit(without, {
    VariableDefinition: ({ variable }) => (used.has(variable.name.value) ? undefined : null),
  });
  return {
    ...node,
    operation: stripIgnoredCharacters(print(document)),
    variableUsages: node.variableUsages?.filter((name) => used.has(name)),
  };
}
