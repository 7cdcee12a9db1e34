import { type DocumentNode, Kind, type SelectionNode, type SelectionSetNode, visit } from 'graphql';
import { isCondition } from './fragment-conditions';

/**
 * Selects `__typename` of an object whose other selections all have conditions.
 *
 * The planner treats conditions that all selections of a fetch share as conditions of the fetch: for
 * `{ user @skip(if: $v) { name @skip(if: $w) } }` it fetches nothing when `$w` is true, and the user is null instead of
 * `{}`.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/pull/2424 introduced conditions of fetches.
 */
export function withUnconditionalSelections(document: DocumentNode): DocumentNode {
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [],
    ),
  );
  return visit(document, {
    Field(node) {
      if (!node.selectionSet || !isConditional(node.selectionSet)) return undefined;
      const selections = [typename, ...node.selectionSet.selections];
      return { ...node, selectionSet: { ...node.selectionSet, selections } };
    },
  });

  function isConditional({ selections }: SelectionSetNode): boolean {
    return selections.every((selection) => {
      if (selection.directives?.some(isCondition) === true) return true;
      if (selection.kind === Kind.FIELD) return false;
      return isConditional(
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection.selectionSet
          : fragments.get(selection.name.value)!.selectionSet,
      );
    });
  }
}

const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
