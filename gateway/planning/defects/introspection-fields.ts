import { type DocumentNode, Kind, type SelectionNode, visit } from 'graphql';

/**
 * Removes `__schema` and `__type` with their selections. They are answered from the schema and need no plan, and the
 * planner refuses operations with introspection fields that it does not know, such as `isOneOf`.
 *
 * Upstream: https://github.com/apollographql/federation/issues/3204.
 */
export function withoutIntrospection(document: DocumentNode): DocumentNode {
  return visit(document, {
    // Fragments on introspection types are spread only in introspection fields.
    FragmentDefinition: ({ typeCondition }) => (typeCondition.name.value.startsWith('__') ? null : undefined),
    Field: ({ name }) => (name.value === '__schema' || name.value === '__type' ? null : undefined),
    SelectionSet: {
      // An empty selection set is not valid, and the object must still be fetched.
      leave: (node) => (node.selections.length === 0 ? { ...node, selections: [typename] } : undefined),
    },
  });
}

const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
