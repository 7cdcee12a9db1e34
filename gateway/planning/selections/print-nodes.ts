/** Nodes of a client's document as text: one operation has hundreds, and `print` of `graphql` takes 20 µs or more for each. */
import {
  type ArgumentNode,
  type ASTNode,
  type DirectiveNode,
  Kind,
  type TypeNode,
  type ValueNode,
  type VariableDefinitionNode,
} from 'graphql';
import { remembered } from '../maps';

interface PrintedSelection {
  readonly text: string;
  /** The names of the variables that it uses. */
  readonly variables: ReadonlySet<string>;
}

/** By node: what a fragment repeats at many positions is printed once. */
const texts = new WeakMap<ASTNode, PrintedSelection>();

export const printNode = (node: ArgumentNode | DirectiveNode): PrintedSelection =>
  remembered(texts, node, () => {
    const variables = new Set<string>();
    const print = node.kind === Kind.ARGUMENT ? printArgument : printDirective;
    return { text: print(node as ArgumentNode & DirectiveNode, variables), variables };
  });

/** Some nodes as text. Adds the names of their variables to others. */
export const printNodes = (
  nodes: readonly (ArgumentNode | DirectiveNode)[],
  variables: Set<string>,
): string[] =>
  nodes.map((node) => {
    const printed = printNode(node);
    for (const name of printed.variables) variables.add(name);
    return printed.text;
  });

export function printDefinition(definition: VariableDefinitionNode): string {
  const { defaultValue, directives = [], type, variable } = definition;
  let text = `$${variable.name.value}: ${printType(type)}`;
  if (defaultValue !== undefined) text += ` = ${printValue(defaultValue, new Set())}`;
  for (const directive of directives) text += ` ${printNode(directive).text}`;
  return text;
}

function printType(type: TypeNode): string {
  if (type.kind === Kind.NAMED_TYPE) return type.name.value;
  return type.kind === Kind.LIST_TYPE ? `[${printType(type.type)}]` : `${printType(type.type)}!`;
}

const printArgument = (
  { name, value }: Pick<ArgumentNode, 'name' | 'value'>,
  variables: Set<string>,
): string => `${name.value}: ${printValue(value, variables)}`;

function printDirective({ arguments: args = [], name }: DirectiveNode, variables: Set<string>): string {
  if (args.length === 0) return `@${name.value}`;
  return `@${name.value}(${args.map((one) => printArgument(one, variables)).join(', ')})`;
}

function printValue(node: ValueNode, variables: Set<string>): string {
  switch (node.kind) {
    case Kind.VARIABLE:
      variables.add(node.name.value);
      return `$${node.name.value}`;
    // Block strings become other strings, of the same value.
    case Kind.STRING:
      return JSON.stringify(node.value);
    case Kind.NULL:
      return 'null';
    case Kind.LIST:
      return `[${node.values.map((one) => printValue(one, variables)).join(', ')}]`;
    case Kind.OBJECT:
      return `{${node.fields.map((one) => printArgument(one, variables)).join(', ')}}`;
    default:
      return String(node.value);
  }
}
