import { type DirectiveDefinitionNode, DirectiveLocation, type DocumentNode, Kind, visit } from 'graphql';

/**
 * Declares `@oneOf` in a supergraph that uses it and does not: it is built into GraphQL since September 2025, and the
 * planner does not know it.
 *
 * Upstream: https://github.com/apollographql/federation/issues/3437.
 */
export function withOneOfDeclared(supergraph: DocumentNode): DocumentNode {
  let isUsed = false;
  let isDeclared = false;
  visit(supergraph, {
    Directive: ({ name }) => void (isUsed ||= name.value === declaration.name.value),
    DirectiveDefinition: ({ name }) => void (isDeclared ||= name.value === declaration.name.value),
  });
  return isUsed && !isDeclared
    ? { ...supergraph, definitions: [...supergraph.definitions, declaration] }
    : supergraph;
}

const declaration: DirectiveDefinitionNode = {
  kind: Kind.DIRECTIVE_DEFINITION,
  name: { kind: Kind.NAME, value: 'oneOf' },
  repeatable: false,
  locations: [{ kind: Kind.NAME, value: DirectiveLocation.INPUT_OBJECT }],
};
