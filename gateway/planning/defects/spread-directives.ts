import { type DirectiveLocation, type DocumentNode, Kind, visit } from 'graphql';

/**
 * Leaves out directives that may stand on spreads of fragments, but not on fragments: the planner writes fragments where
 * they are spread, with these directives, and a subgraph refuses the operation.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/issues/179 is why such directives are written at all.
 *
 * @param names of these directives
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

/** The names of the directives that a supergraph defines, but not for this location. */
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
