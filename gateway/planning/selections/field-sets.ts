/** The field sets of `@key`, `@requires` and `@provides`. */
import { type ArgumentNode, Kind, parse, print, type SelectionSetNode } from 'graphql';
import { type Selection, unconditional } from './selection';

export function parseFieldSet(text: string): Selection {
  const [definition] = parse(/^\s*\{/.test(text) ? text : `{${text}}`, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`is no field set: ${text}`);
  return selectionOf(definition.selectionSet);
}

const selectionOf = ({ selections }: SelectionSetNode): Selection =>
  selections.map((node) => {
    if (node.kind === Kind.FRAGMENT_SPREAD) throw new Error('A field set cannot spread fragments');
    if (node.kind === Kind.INLINE_FRAGMENT)
      return {
        kind: 'fragment',
        on: node.typeCondition?.name.value,
        when: unconditional,
        selection: selectionOf(node.selectionSet),
        isLeftover: false,
      };
    const args = node.arguments ?? [];
    return {
      kind: 'field',
      responseName: node.name.value,
      name: node.name.value,
      arguments: args,
      signature: signatureOf(node.name.value, args),
      when: unconditional,
      directives: [],
      selection: node.selectionSet && selectionOf(node.selectionSet),
      isRequirement: true,
      isLeftover: false,
    };
  });

/** Name and arguments of a field, in one order. */
export const signatureOf = (name: string, args: readonly ArgumentNode[]): string =>
  args.length === 0 ? name : `${name}(${args.map(print).sort().join()})`;
