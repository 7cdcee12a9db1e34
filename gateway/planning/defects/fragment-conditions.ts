import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';

/**
 * Gives the conditions of fragments to the fields in them.
 *
 * Where a field requires something, the planner forgets the conditions of the fragments around it, and asks for the
 * field without its key: `{ found { ... on User @include(if: $v) { sum } } }`. Those of the field itself it keeps.
 */
export function withConditionsOnFields(document: DocumentNode): DocumentNode {
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [],
    ),
  );
  return visit(document, {
    SelectionSet: {
      leave(node) {
        const isConditional = node.selections.some(
          ({ kind, directives = [] }) => kind !== Kind.FIELD && directives.length > 0,
        );
        if (!isConditional) return undefined;
        return { ...node, selections: node.selections.map((one) => withConditions(one, [], fragments)) };
      },
    },
  });
}

/** A selection under some conditions more. */
function withConditions(
  selection: SelectionNode,
  outer: readonly DirectiveNode[],
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): SelectionNode {
  const { directives = [] } = selection;
  if (selection.kind === Kind.FIELD) return conditional(selection, outer);
  const all = [...outer, ...directives.filter((one) => !outer.some((other) => isSame(one, other)))];
  if (all.length === 0) return selection;
  // Two conditions of one kind do not go on one field.
  const isFree = new Set(all.map(({ name }) => name.value)).size === all.length;
  const [own, rest] = isFree ? [[], all] : [directives, outer];
  const { typeCondition, selectionSet } =
    selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)!;
  return {
    kind: Kind.INLINE_FRAGMENT,
    ...(typeCondition && { typeCondition }),
    directives: own,
    selectionSet: {
      ...selectionSet,
      selections: selectionSet.selections.map((one) => withConditions(one, rest, fragments)),
    },
  };
}

function conditional(field: FieldNode, outer: readonly DirectiveNode[]): SelectionNode {
  const { directives = [] } = field;
  const more = outer.filter((one) => !directives.some((other) => isSame(one, other)));
  if (more.length === 0) return field;
  const isFree = more.every(({ name }) => directives.every((other) => other.name.value !== name.value));
  if (isFree) return { ...field, directives: [...directives, ...more] };
  const selectionSet: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [field] };
  return { kind: Kind.INLINE_FRAGMENT, directives: more, selectionSet };
}

const isSame = (one: DirectiveNode, other: DirectiveNode): boolean =>
  one.name.value === other.name.value && variableOf(one) === variableOf(other);

/** Of `@skip` and `@include`, whose conditions that are written out have been decided before. */
function variableOf({ arguments: args = [] }: DirectiveNode): string | undefined {
  const value = args[0]?.value;
  return value?.kind === Kind.VARIABLE ? value.name.value : undefined;
}
