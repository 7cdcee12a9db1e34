import { type DocumentNode, Kind, type SelectionNode, visit } from 'graphql';

/**
 * Leaves out `__schema` and `__type`, and what is selected of them. They are answered from the schema and not planned,
 * and the planner refuses operations with introspection fields that it does not know yet, such as `isOneOf`.
 *
 * Upstream: https://github.com/apollographql/federation/issues/3204.
 */
export function withoutIntrospection(document: DocumentNode): DocumentNode {
  return visit(document, {
    // Such fragments are spread only in introspection fields.
    FragmentDefinition: ({ typeCondition }) => (typeCondition.name.value.startsWith('__') ? null : undefined),
    Field: ({ name }) => (name.value === '__schema' || name.value === '__type' ? null : undefined),
    SelectionSet: {
      // Nothing left is still an object to be fetched, or a fragment that is spread somewhere.
      leave: (node) => (node.selections.length === 0 ? { ...node, selections: [typename] } : undefined),
    },
  });
}

const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
