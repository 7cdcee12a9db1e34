import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { isCondition } from './fragment-conditions';

/**
 * Removes fragments without a type and their conditions, except at the root, where fields may have effects.
 *
 * The planner fails ("Cannot add selection of field …") on such a fragment around a field of an `@interfaceObject` that
 * has a `@requires`: `{ media { ... @skip(if: $v) { label } } }`. After `fragment-conditions.ts` this happens only for
 * two conditions of the same kind. Without one of them the field may be fetched needlessly; the response leaves it out
 * anyway.
 *
 * Upstream: https://github.com/apollographql/federation/issues/2405 reports the same error for fragments on types.
 */
export function withoutDoubledConditions(document: DocumentNode, schema: GraphQLSchema): DocumentNode {
  const roots = [schema.getQueryType(), schema.getMutationType()].map((type) => type?.name);
  return visit(document, {
    Field: (node) => node.selectionSet && { ...node, selectionSet: withoutConditions(node.selectionSet) },
    FragmentDefinition: (node) =>
      roots.includes(node.typeCondition.name.value)
        ? undefined
        : { ...node, selectionSet: withoutConditions(node.selectionSet) },
  });
}

/** Removes these fragments from a selection set and the fragments in it. The caller visits the fields. */
function withoutConditions(node: SelectionSetNode): SelectionSetNode {
  const selections = node.selections.flatMap((selection): readonly SelectionNode[] => {
    if (selection.kind !== Kind.INLINE_FRAGMENT) return [selection];
    const { typeCondition, directives = [] } = selection;
    const selectionSet = withoutConditions(selection.selectionSet);
    const isLeftOut = typeCondition === undefined && directives.every(isCondition);
    return isLeftOut ? selectionSet.selections : [{ ...selection, selectionSet }];
  });
  return { ...node, selections };
}
