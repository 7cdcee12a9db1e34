import { type DirectiveDefinitionNode, DirectiveLocation, type DocumentNode, Kind, visit } from 'graphql';

/**
 * Declares `@oneOf` in a supergraph that uses it without a declaration. It is built into GraphQL since September 2025,
 * but the planner does not know it.
 *
 * Upstream: https://github.com/apollographql/federation/issues/3437.
 */
export function withOneOfDeclared(supergraph: DocumentNode): DocumentNode {
  const found = { uses: 0, declarations: 0 };
  visit(supergraph, {
    Directive({ name }) {
      if (name.value === declaration.name.value) found.uses++;
    },
    DirectiveDefinition({ name }) {
      if (name.value === declaration.name.value) found.declarations++;
    },
  });
  return found.uses > 0 && found.declarations === 0
    ? { ...supergraph, definitions: [...supergraph.definitions, declaration] }
    : supergraph;
}

const declaration: DirectiveDefinitionNode = {
  kind: Kind.DIRECTIVE_DEFINITION,
  name: { kind: Kind.NAME, value: 'oneOf' },
  repeatable: false,
  locations: [{ kind: Kind.NAME, value: DirectiveLocation.INPUT_OBJECT }],
};
