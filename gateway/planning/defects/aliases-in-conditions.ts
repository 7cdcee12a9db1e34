import { SelectionSet } from '@apollo/federation-internals';
import { type QueryPlan } from '../../execution/compile/plan';
import { mapFetches } from './map-fetches';

/**
 * Lets the planner alias fields within fragments that have conditions and no type.
 *
 * If types of a union select fields of different types under one name, the planner aliases all but one of these fields
 * in the operations for subgraphs. It finds the field to rename by the types of the fragments around it, and stops at a
 * fragment without a type. In `{ found { ... on User { id } ... on Admin { ... @include(if: $v) { id } } } }` both
 * fields stay `id`, and a subgraph refuses the operation if only one of them may be null.
 *
 * The planner removes redundant types from fragments, so rewriting the operation does not help. Therefore the method
 * that lists the paths of fields is wrapped: fragments without a type become a step of the path, too.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/pull/2294 introduced these aliases.
 */
export function nameFragmentsWithoutType(): void {
  const sets: { fieldsInSet: FieldsInSet } = SelectionSet.prototype;
  sets.fieldsInSet = fieldsInSet;
}

type FieldsInSet = (this: SelectionSet) => ReturnType<SelectionSet['fieldsInSet']>;

/** The element of a path that the planner compares with that of a fragment without a type. */
const noType = undefined as unknown as string;

function fieldsInSet(this: SelectionSet): ReturnType<FieldsInSet> {
  return this.selections().flatMap((selection) => {
    if (selection.kind === 'FieldSelection') return [{ path: [], field: selection }];
    const step = selection.element.asPathElement() ?? noType;
    return selection.selectionSet.fieldsInSet().map(({ path, field }) => ({ path: [step, ...path], field }));
  });
}

/** Removes these steps from the paths of a plan's rewrites. */
export const withTypedPaths = (plan: QueryPlan): QueryPlan =>
  mapFetches(plan, (node) => ({
    ...node,
    outputRewrites: node.outputRewrites?.map((rewrite) => ({
      ...rewrite,
      path: rewrite.path.filter((step) => step !== noType),
    })),
  }));
