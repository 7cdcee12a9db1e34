import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { joinsOf } from '../entity-facts';
import { type AbstractTypes } from './abstract-types';

/**
 * Moves the conditions of fragments to the fields in them. A field that has a `@requires`, takes an argument from a
 * context, or belongs to an `@interfaceObject` also gets the conditions of all fields and fragments around it.
 *
 * The planner ignores the conditions around such a field, and always fetches it: in `{ found { ... on User @include(if:
 * $v) { sum } } }`, and, as the user is also selected without a condition, in `{ user { id } user @skip(if: $v) { sum }
 * }`. It respects the field's own conditions.
 *
 * Upstream: no issue found. https://github.com/apollographql/router/pull/10063 fixes a part of it in the planner's port
 * to Rust.
 *
 * @param requiring the names of these fields
 */
export function withConditionsOnFields(document: DocumentNode, requiring: ReadonlySet<string>): DocumentNode {
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [],
    ),
  );
  return {
    ...document,
    definitions: document.definitions.map((node) =>
      'selectionSet' in node ? { ...node, selectionSet: selectionSetUnder([], [], node.selectionSet) } : node,
    ),
  };

  /**
   * @param outer conditions for all top-level fields of the selection
   * @param around conditions only for requiring fields, at any depth
   */
  function selectionSetUnder(
    outer: readonly DirectiveNode[],
    around: readonly DirectiveNode[],
    node: SelectionSetNode,
  ): SelectionSetNode {
    const selections = node.selections.flatMap((one) =>
      one.kind === Kind.FIELD ? [fieldUnder(outer, around, one)] : fragmentUnder(outer, around, one),
    );
    return { ...node, selections };
  }

  function fieldUnder(
    outer: readonly DirectiveNode[],
    around: readonly DirectiveNode[],
    field: FieldNode,
  ): SelectionNode {
    const own = (field.directives ?? []).filter(isCondition);
    const all = union(own, requiring.has(field.name.value) ? union(outer, around) : outer);
    const selectionSet = field.selectionSet && selectionSetUnder([], union(around, all), field.selectionSet);
    return under(all.slice(own.length), selectionSet ? { ...field, selectionSet } : field);
  }

  function fragmentUnder(
    outer: readonly DirectiveNode[],
    around: readonly DirectiveNode[],
    fragment: Exclude<SelectionNode, FieldNode>,
  ): readonly SelectionNode[] {
    const { directives = [] } = fragment;
    const own = directives.filter(isCondition);
    const all = union(outer, own);
    if (fragment.kind === Kind.FRAGMENT_SPREAD && all.length + around.length === 0) return [fragment];
    // A field cannot have two conditions of one kind.
    const isFree = new Set(all.map(({ name }) => name.value)).size === all.length;
    const { typeCondition, selectionSet } =
      fragment.kind === Kind.INLINE_FRAGMENT ? fragment : fragments.get(fragment.name.value)!;
    const left = isFree ? directives.filter((one) => !isCondition(one)) : directives;
    const within = isFree
      ? selectionSetUnder(all, around, selectionSet)
      : selectionSetUnder(outer, union(around, own), selectionSet);
    // The planner merges fragments without type and directives, which would change the order of mutations.
    if (!typeCondition && left.length === 0) return within.selections;
    return [
      {
        kind: Kind.INLINE_FRAGMENT,
        ...(typeCondition && { typeCondition }),
        directives: left,
        selectionSet: within,
      },
    ];
  }
}

/** The names of the fields with a `@requires`, with an argument from a context, or of an interface object. */
export function namesOfRequiring(
  supergraph: DocumentNode,
  { interfaceObjectFields }: AbstractTypes,
): ReadonlySet<string> {
  const names = new Set([...interfaceObjectFields].map((coordinates) => coordinates.split('.')[1]!));
  visit(supergraph, {
    FieldDefinition({ name, directives = [] }) {
      const isRequiring = joinsOf(directives, 'join__field').some(
        ({ requires, contextArguments }) => requires !== undefined || contextArguments !== undefined,
      );
      if (isRequiring) names.add(name.value);
    },
  });
  return names;
}

/** Whether a directive is `@skip` or `@include`; all others are for subgraphs. */
export const isCondition = ({ name }: DirectiveNode): boolean =>
  name.value === 'include' || name.value === 'skip';

/** The selection with more conditions. Wrapped in a fragment if it would have two of the same kind. */
export const under = (conditions: readonly DirectiveNode[], selection: SelectionNode): SelectionNode =>
  conditions.reduce<SelectionNode>((inner, condition) => {
    const directives = inner.directives ?? [];
    if (directives.every(({ name }) => name.value !== condition.name.value))
      return { ...inner, directives: [...directives, condition] };
    return {
      kind: Kind.INLINE_FRAGMENT,
      directives: [condition],
      selectionSet: { kind: Kind.SELECTION_SET, selections: [inner] },
    };
  }, selection);

/** The union of two lists of conditions. */
const union = (
  some: readonly DirectiveNode[],
  others: readonly DirectiveNode[],
): readonly DirectiveNode[] => [
  ...some,
  ...others.filter((one) => !some.some((other) => isSame(one, other))),
];

const isSame = (one: DirectiveNode, other: DirectiveNode): boolean =>
  one.name.value === other.name.value && variableOf(one) === variableOf(other);

/** The variable of a condition. Literal conditions have been removed before. */
function variableOf({ arguments: args = [] }: DirectiveNode): string | undefined {
  const value = args[0]?.value;
  return value?.kind === Kind.VARIABLE ? value.name.value : undefined;
}
