/** Commands that send recorded requests again. */
import {
  type ArgumentNode,
  type DocumentNode,
  getNamedType,
  getNullableType,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isRequiredInputField,
  Kind,
  type ListValueNode,
  type ObjectFieldNode,
  parse,
  print,
  TypeInfo,
  typeFromAST,
  type ValueNode,
  type VariableDefinitionNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { onlyUsed } from '../usage/signature';

export interface CurlFacts {
  readonly endpoint: string;
  /** The document as it was sent; undefined if it is not known: then the command has `…` instead. */
  readonly text: string | undefined;
  readonly operationName: string | undefined;
  /** Undefined while there is no supergraph. */
  readonly schema: GraphQLSchema | undefined;
  /** The names of headers that the client has sent, in lower case. */
  readonly headers: readonly string[];
  readonly client: { readonly name: string; readonly version: string } | undefined;
  /** Whether literals and variables are in it. */
  readonly values: boolean;
  /** Undefined where they were not recorded. */
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A command that sends an operation again. Without values, its literals are variables, and variables have placeholders of
 * their types. Headers have variables of the shell, as `$AUTHORIZATION`: one that is not set is not sent.
 */
export function curlFor(facts: CurlFacts): string {
  const { endpoint, text, operationName, headers, client } = facts;
  const { query, variables } = text === undefined ? { query: '…', variables: {} } : operationFor(text, facts);
  const body = {
    query,
    ...(operationName !== undefined && { operationName }),
    ...(Object.keys(variables).length > 0 && { variables }),
  };
  const known = new Map([
    ['apollographql-client-name', client?.name],
    ['apollographql-client-version', client?.version],
  ]);
  return [
    `curl ${quoted(endpoint)}`,
    "-H 'content-type: application/json'",
    ...headers.map((name) => {
      const value = known.get(name);
      return value === undefined
        ? `-H "${name}: $${name.toUpperCase().replaceAll('-', '_')}"`
        : `-H ${quoted(`${name}: ${value}`)}`;
    }),
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(' \\\n  ');
}

/** A word of a POSIX shell, in which nothing is replaced. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

function operationFor(text: string, { operationName, schema, values, variables }: CurlFacts): Operation {
  const given = parse(text, { noLocation: true });
  const named = given.definitions.some(
    (each) =>
      each.kind === Kind.OPERATION_DEFINITION &&
      (operationName === undefined || each.name?.value === operationName),
  );
  if (!named) return { query: '…', variables: {} };
  const document = onlyUsed(given, operationName);
  if (values) return { query: print(document), variables: variables ?? placeholders(document, schema) };
  return withPlaceholders(document, schema);
}

/** Literals become variables of the operation, but those that belong to the schema: values of enums. */
function withPlaceholders(document: DocumentNode, schema: GraphQLSchema | undefined): Operation {
  const added: VariableDefinitionNode[] = [];
  const prefix = print(document).includes('$value') ? 'literal' : 'value';
  const types = schema && new TypeInfo(schema);
  /** A literal at the current position; undefined if it stays. */
  const hidden = (value: ValueNode): ValueNode | undefined => {
    const type = types?.getInputType() ?? undefined;
    if (hasVariable(value) || isOfSchema(value, type)) return undefined;
    if (type === undefined) return neutral(value);
    const name = { kind: Kind.NAME, value: `${prefix}${added.length + 1}` } as const;
    const variable = { kind: Kind.VARIABLE, name } as const;
    added.push({ kind: Kind.VARIABLE_DEFINITION, variable, type: typeNode(type) });
    return variable;
  };
  const visitor = {
    Argument: (node: ArgumentNode) => withValue(node, hidden(node.value)),
    ObjectField: (node: ObjectFieldNode) =>
      // In a custom scalar the names are values, too. Only those stay that lead to variables.
      types?.getInputType() == null && !hasVariable(node.value) ? null : withValue(node, hidden(node.value)),
    ListValue: (list: ListValueNode) => ({
      ...list,
      values: list.values.map((each) => hidden(each) ?? each),
    }),
    VariableDefinition: { enter: withoutDefault },
    OperationDefinition: { enter: undescribed },
    FragmentDefinition: { enter: undescribed },
  };
  const without = visit(document, types === undefined ? visitor : visitWithTypeInfo(types, visitor));
  const whole = visit(without, {
    OperationDefinition: (node) => ({
      ...node,
      variableDefinitions: [...(node.variableDefinitions ?? []), ...added],
    }),
  });
  return { query: print(whole), variables: placeholders(whole, schema) };
}

/** What may be null at a position that takes no null, as it has a default, must not be null without one. */
const withoutDefault = ({
  defaultValue,
  description: _description,
  type,
  ...node
}: VariableDefinitionNode): VariableDefinitionNode => ({
  ...node,
  type:
    defaultValue === undefined || defaultValue.kind === Kind.NULL || type.kind === Kind.NON_NULL_TYPE
      ? type
      : { kind: Kind.NON_NULL_TYPE, type },
});

const withValue = <Node extends object>(node: Node, value: ValueNode | undefined): Node | undefined =>
  value && { ...node, value };

const undescribed = <Node extends object>(node: Node): Node => ({ ...node, description: undefined });

function hasVariable(value: ValueNode): boolean {
  if (value.kind === Kind.LIST) return value.values.some(hasVariable);
  if (value.kind === Kind.OBJECT) return value.fields.some((field) => hasVariable(field.value));
  return value.kind === Kind.VARIABLE;
}

function isOfSchema(value: ValueNode, type: GraphQLInputType | undefined): boolean {
  const named = type && getNamedType(type);
  return value.kind === Kind.ENUM && isEnumType(named) && named.getValue(value.value) !== undefined;
}

const typeNode = (type: GraphQLInputType): VariableDefinitionNode['type'] => {
  const [operation] = parse(`query ($a: ${String(type)}) { a }`, { noLocation: true }).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new TypeError('An operation was expected.');
  return operation.variableDefinitions![0]!.type;
};

/** A placeholder for a literal whose type is not known. */
function neutral(value: ValueNode): ValueNode {
  switch (value.kind) {
    case Kind.INT:
    case Kind.FLOAT:
      return { kind: Kind.INT, value: '0' };
    case Kind.LIST:
      return { kind: Kind.LIST, values: value.values.slice(0, 1).map(neutral) };
    case Kind.OBJECT:
      return { kind: Kind.OBJECT, fields: [] };
    case Kind.STRING:
    case Kind.ENUM:
      return { kind: Kind.STRING, value: '…' };
    case Kind.BOOLEAN:
      return { kind: Kind.BOOLEAN, value: true };
    case Kind.NULL:
    case Kind.VARIABLE:
      return value;
    default:
      return value satisfies never;
  }
}

/** A value for each variable of the only operation. */
function placeholders(document: DocumentNode, schema: GraphQLSchema | undefined): Operation['variables'] {
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  return Object.fromEntries(
    (operation?.variableDefinitions ?? []).map(({ variable, type }) => {
      const found = schema && (typeFromAST(schema, type as never) as GraphQLInputType | undefined);
      return [variable.name.value, found === undefined ? '…' : placeholder(found)];
    }),
  );
}

function placeholder(type: GraphQLInputType, depth = 0): unknown {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [placeholder(nullable.ofType, depth + 1)];
  if (isEnumType(nullable)) return nullable.getValues()[0]?.name;
  if (isInputObjectType(nullable)) {
    const fields = Object.values(nullable.getFields());
    const needed = nullable.isOneOf ? fields.slice(0, 1) : fields.filter(isRequiredInputField);
    // An input type that needs itself has no value.
    if (depth > mostDepth) return {};
    return Object.fromEntries(needed.map((field) => [field.name, placeholder(field.type, depth + 1)]));
  }
  return ofScalars[nullable.name] ?? '…';
}

const ofScalars: Readonly<Record<string, unknown>> = { Int: 0, Float: 0, Boolean: true };
const mostDepth = 10;
