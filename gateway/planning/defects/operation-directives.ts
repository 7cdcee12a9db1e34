import { type DocumentNode, Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql';
import { type FetchNode, type QueryPlan } from '../../execution/compile/plan';
import { mapFetches } from './map-fetches';

/**
 * Removes directives that are allowed on mutations but not on queries from the entity fetches of a mutation, which are
 * queries. The planner copies the operation's directives to every fetch, and subgraphs would refuse these fetches.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/pull/2967 is why the planner copies directives.
 *
 * @param document the document whose operation is planned
 * @param notOnQueries the names of these directives
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

/** Removes these directives from a fetch's operation, and the variables that nothing else uses. */
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
