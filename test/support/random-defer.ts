import {
  type DirectiveNode,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { type RandomOperation } from './random-operation';
import { type RandomSource } from './random-source';

/** Defers fragments of an operation at random, and puts some of its selections into new ones. */
export function withRandomDefer(operation: RandomOperation, random: RandomSource): RandomOperation {
  let labels = 0;
  const declared: string[] = [];
  const variables: Record<string, unknown> = { ...operation.variables };
  const document: DocumentNode = visit(operation.document, {
    InlineFragment: {
      leave: (node) => (random.chance(0.5) ? { ...node, directives: deferring(node) } : undefined),
    },
    FragmentSpread: {
      leave: (node) => (random.chance(0.5) ? { ...node, directives: deferring(node) } : undefined),
    },
    SelectionSet: { leave: (node) => wrapped(node) },
  });
  const declarations = declared.length === 0 ? [] : declarationsOf(`query (${declared.join()}) { a }`);
  const withVariables: DocumentNode = visit(document, {
    OperationDefinition: (node): OperationDefinitionNode => {
      if (operation.operationName !== undefined && node.name?.value !== operation.operationName) return node;
      return { ...node, variableDefinitions: [...(node.variableDefinitions ?? []), ...declarations] };
    },
  });
  const source = print(withVariables);
  return { ...operation, document: parse(source, { noLocation: true }), source, variables };

  function deferring({ directives = [] }: { readonly directives?: readonly DirectiveNode[] | undefined }) {
    const args: string[] = [];
    if (random.chance(0.6)) args.push(`label: "L${labels++}"`);
    // oxlint-disable-next-line no-dupe-else-if -- each draws anew
    if (random.chance(0.15)) args.push(`if: ${random.chance(0.5)}`);
    else if (random.chance(0.15)) {
      const name = `defer${declared.length}`;
      const isDefault = random.chance(0.3);
      declared.push(`$${name}: Boolean${isDefault ? '! = true' : '!'}`);
      if (!isDefault) variables[name] = random.chance(0.7);
      args.push(`if: $${name}`);
    }
    return [
      ...directives,
      ...directivesOf(`{ ... @defer${args.length > 0 ? `(${args.join()})` : ''} { a } }`),
    ];
  }

  function wrapped(set: SelectionSetNode): SelectionSetNode | undefined {
    if (!random.chance(0.35)) return undefined;
    const selections = set.selections.flatMap((one): SelectionNode[] => {
      if (!random.chance(0.4)) return [one];
      const fragment: SelectionNode = {
        kind: Kind.INLINE_FRAGMENT,
        directives: deferring({}),
        selectionSet: { kind: Kind.SELECTION_SET, selections: [one] },
      };
      // A label is used once in a document.
      const isRepeatable = !print(one).includes('label:');
      return isRepeatable && random.chance(0.2) ? [one, fragment] : [fragment];
    });
    return { ...set, selections };
  }
}

function directivesOf(text: string): readonly DirectiveNode[] {
  const [definition] = parse(text, { noLocation: true }).definitions;
  const [selection] = (definition as OperationDefinitionNode).selectionSet.selections;
  return selection!.directives!;
}

const declarationsOf = (text: string) =>
  (parse(text, { noLocation: true }).definitions[0] as OperationDefinitionNode).variableDefinitions!;
