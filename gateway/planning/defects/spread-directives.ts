import { type DirectiveLocation, type DocumentNode, Kind, visit } from 'graphql';

/**
 * Removes directives that are allowed on fragment spreads but not on inline fragments. The planner replaces spreads by
 * inline fragments with the same directives, and subgraphs would refuse the operation.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/issues/179 is why the planner keeps directives.
 *
 * @param names the names of these directives
 */
export const withoutSpreadDirectives = (document: DocumentNode, names: ReadonlySet<string>): DocumentNode =>
  names.size === 0
    ? document
    : visit(document, {
        FragmentSpread: ({ directives = [], ...spread }) => ({
          ...spread,
          directives: directives.filter(({ name }) => !names.has(name.value)),
        }),
      });

/** The names of the directives that a supergraph does not allow at a location. */
export function directivesNotOn(
  location: DirectiveLocation,
  { definitions }: DocumentNode,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of definitions) {
    if (node.kind !== Kind.DIRECTIVE_DEFINITION) continue;
    const locations = new Set(node.locations.map(({ value }) => value));
    if (!locations.has(location)) names.add(node.name.value);
  }
  return names;
}
