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
 * Leaves out fragments without a type, and the conditions on them, below the fields of root types: those may have effects.
 *
 * The planner fails ("Cannot add selection of field …") on such a fragment around a field of an `@interfaceObject` that
 * requires something: `{ media { ... @skip(if: $v) { label } } }`. With `fragment-conditions.ts` that is left only for
 * two conditions of one kind. Without one of them the field is fetched in vain where that one leaves it out; the answer
 * does not have it all the same.
 *
 * Upstream: https://github.com/apollographql/federation/issues/2405 tells of the same error for fragments on types.
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

/** Of a selection, and of the fragments in it; fields come by themselves. */
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
