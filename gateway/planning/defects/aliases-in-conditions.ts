import { SelectionSet } from '@apollo/federation-internals';
import { type QueryPlan } from '../../execution/compile/plan';
import { mapFetches } from './map-fetches';

/**
 * Lets the planner alias fields within fragments that have conditions and no type.
 *
 * Where types of a union select fields of different types under one name, it gives an alias to all but one of these in
 * what it asks subgraphs. It finds the field to be renamed by the types of the fragments around it, and stops at a
 * fragment without a type: of `{ found { ... on User { id } ... on Admin { ... @include(if: $v) { id } } } }` both fields
 * stay `id`, and a subgraph refuses the operation where one of them may be null and the other may not.
 *
 * It leaves out the types that are named needlessly, so that no operation can be written for which this does not happen.
 * Hence the method that says where fields are is wrapped: fragments without a type are a step on the way, too.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/pull/2294 brought these aliases.
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

/** The plan without these steps in the paths of its rewrites. */
export const withTypedPaths = (plan: QueryPlan): QueryPlan =>
  mapFetches(plan, (node) => ({
    ...node,
    outputRewrites: node.outputRewrites?.map((rewrite) => ({
      ...rewrite,
      path: rewrite.path.filter((step) => step !== noType),
    })),
  }));
