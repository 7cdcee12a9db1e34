/** What the definitions of a supergraph say. */
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DirectiveNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  print,
  type TypeNode,
  type UnionTypeDefinitionNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';

/** The arguments with which a directive is applied. */
export type Applied = Readonly<Record<string, unknown>>;

/** A definition that may have directives. */
export interface Annotated {
  readonly directives?: readonly ConstDirectiveNode[] | undefined;
}

/** The first use of a directive on a definition. */
export const directive = ({ directives = [] }: Annotated, name: string): ConstDirectiveNode | undefined =>
  directives.find((each) => each.name.value === name);

/** The uses of a directive on a definition; none where the directive is undefined. */
export function applied({ directives = [] }: Annotated, name: string | undefined): Applied[] {
  const found: Applied[] = [];
  for (const directive of directives) if (directive.name.value === name) found.push(argumentsOf(directive));
  return found;
}

export function argumentsOf({ arguments: given = [] }: DirectiveNode): Applied {
  const args: Record<string, unknown> = {};
  for (const { name, value } of given) args[name.value] = valueFromASTUntyped(value);
  return args;
}

/** The arguments with which a directive is applied, as text. */
export const argumentsText = ({ arguments: given = [] }: DirectiveNode): string =>
  `@${given.map(({ name, value }) => `${name.value}:${valueText(value)}`).join()}`;

/** Most values are names of subgraphs or numbers: these need no printer. */
export const valueText = (value: ValueNode): string =>
  value.kind === Kind.ENUM || value.kind === Kind.BOOLEAN || value.kind === Kind.INT
    ? String(value.value)
    : print(value);

/** The named type of a list or non-null type. */
export const namedTypeOf = (type: TypeNode): string =>
  type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type);

/** A type without `!`. */
export const nullable = (type: TypeNode): Exclude<TypeNode, { kind: Kind.NON_NULL_TYPE }> =>
  type.kind === Kind.NON_NULL_TYPE ? type.type : type;

/** In how many lists a value is. */
export function listDepth(type: TypeNode): number {
  const at = nullable(type);
  return at.kind === Kind.LIST_TYPE ? 1 + listDepth(at.type) : 0;
}

/** A type as text. */
export const typeText = (type: TypeNode): string =>
  type.kind === Kind.NAMED_TYPE
    ? type.name.value
    : type.kind === Kind.LIST_TYPE
      ? `[${typeText(type.type)}]`
      : `${typeText(type.type)}!`;

export type CompositeDefinition =
  | ObjectTypeDefinitionNode
  | InterfaceTypeDefinitionNode
  | UnionTypeDefinitionNode;

export const isComposite = (node: DefinitionNode): node is CompositeDefinition =>
  node.kind === Kind.OBJECT_TYPE_DEFINITION ||
  node.kind === Kind.INTERFACE_TYPE_DEFINITION ||
  node.kind === Kind.UNION_TYPE_DEFINITION;
