import { type DirectiveNode, type DocumentNode, Kind, type SelectionNode, visit } from 'graphql';

/**
 * Decides `@skip` and `@include` whose condition is written out, for the planner takes `field @include(if: true)` for
 * another one than `field`, so that a mutation with both runs twice. The other mends know conditions on variables only.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/pull/2713 keeps fields with different directives apart.
 */
export function withoutLiteralConditions(document: DocumentNode): DocumentNode {
  return visit(document, {
    SelectionSet: {
      leave(node) {
        const selections = node.selections.flatMap((selection) => decided(selection) ?? []);
        // Nothing left is still an object, or null, to be fetched.
        return { ...node, selections: selections.length > 0 ? selections : [typename] };
      },
    },
  });
}

/** The selection without conditions that hold; undefined when one does not. */
function decided(selection: SelectionNode): SelectionNode | undefined {
  const { directives = [] } = selection;
  if (directives.length === 0) return selection;
  const verdicts = directives.map(verdictOf);
  if (verdicts.includes(false)) return undefined;
  return { ...selection, directives: directives.filter((_, i) => verdicts[i] === undefined) };
}

/** Whether a condition holds; undefined when that depends on a variable. */
function verdictOf({ name, arguments: args = [] }: DirectiveNode): boolean | undefined {
  const value = args.find((argument) => argument.name.value === 'if')?.value;
  if (value?.kind !== Kind.BOOLEAN) return undefined;
  if (name.value === 'include') return value.value;
  return name.value === 'skip' ? !value.value : undefined;
}

export const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
