import {
  type DocumentNode,
  type GraphQLCompositeType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/**
 * Replaces type conditions on interfaces and unions by conditions on their object types.
 *
 * The planner fails ("We should have an edge …") on a condition on one interface within another one that some
 * subgraph defines as `@interfaceObject`. It succeeds with conditions on object types.
 *
 * Upstream: https://github.com/apollographql/router/issues/8127 reports it for the planner's port to Rust.
 */
export function withObjectConditions(document: DocumentNode, schema: GraphQLSchema): DocumentNode {
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [],
    ),
  );
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  return { ...document, definitions: operations.map(expandOperation) };

  function expandOperation(node: OperationDefinitionNode): OperationDefinitionNode {
    return { ...node, selectionSet: expand(node.selectionSet, schema.getRootType(node.operation)!) };
  }

  function expand(node: SelectionSetNode, parent: GraphQLCompositeType): SelectionSetNode {
    const selections = node.selections.flatMap((selection) => expandSelection(selection, parent));
    return { ...node, selections: selections.length > 0 ? selections : [typename] };
  }

  function expandSelection(selection: SelectionNode, parent: GraphQLCompositeType): SelectionNode[] {
    if (selection.kind === Kind.FIELD) {
      const { selectionSet } = selection;
      const field = 'getFields' in parent ? parent.getFields()[selection.name.value] : undefined;
      const type = field && getNamedType(field.type);
      // Introspection fields are not planned.
      if (!selectionSet || !isCompositeType(type)) return [selection];
      return [{ ...selection, selectionSet: expand(selectionSet, type) }];
    }
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)!;
    const { directives = [] } = selection;
    const condition = fragment.typeCondition ? schema.getType(fragment.typeCondition.name.value) : parent;
    if (!isCompositeType(condition)) return [];
    return typesWithin(condition, parent).map((type) => ({
      kind: Kind.INLINE_FRAGMENT,
      typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: type.name } },
      directives,
      selectionSet: expand(fragment.selectionSet, type),
    }));
  }

  /** The types that replace a condition; empty if no object can meet it. */
  function typesWithin(
    condition: GraphQLCompositeType,
    parent: GraphQLCompositeType,
  ): GraphQLCompositeType[] {
    if (condition === parent) return [condition];
    const inParent = new Set(possible(parent));
    return possible(condition).filter((type) => inParent.has(type));
  }

  function possible(type: GraphQLCompositeType): readonly GraphQLObjectType[] {
    return isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
  }
}

const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
