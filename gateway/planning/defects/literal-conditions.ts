import { type DirectiveNode, type DocumentNode, Kind, type SelectionNode, visit } from 'graphql';

/**
 * Evaluates `@skip` and `@include` with a literal condition. The planner treats `field @include(if: true)` and `field`
 * as two fields, so a mutation with both would run twice. The other fixes handle only conditions on variables.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/pull/2713 keeps fields with different directives apart.
 */
export function withoutLiteralConditions(document: DocumentNode): DocumentNode {
  return visit(document, {
    SelectionSet: {
      leave(node) {
        const selections = node.selections.flatMap((selection) => decided(selection) ?? []);
        // An empty selection set is not valid, and the object must still be fetched.
        return { ...node, selections: selections.length > 0 ? selections : [typename] };
      },
    },
  });
}

/** The selection without its literal conditions; undefined if one of them excludes it. */
function decided(selection: SelectionNode): SelectionNode | undefined {
  const { directives = [] } = selection;
  if (directives.length === 0) return selection;
  const verdicts = directives.map(verdictOf);
  if (verdicts.includes(false)) return undefined;
  return { ...selection, directives: directives.filter((_, i) => verdicts[i] === undefined) };
}

/** Whether a condition includes the selection; undefined if that depends on a variable. */
function verdictOf({ name, arguments: args = [] }: DirectiveNode): boolean | undefined {
  const value = args.find((argument) => argument.name.value === 'if')?.value;
  if (value?.kind !== Kind.BOOLEAN) return undefined;
  if (name.value === 'include') return value.value;
  return name.value === 'skip' ? !value.value : undefined;
}

export const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
