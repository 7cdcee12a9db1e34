import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  type FieldNode,
  getNamedType,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  stripIgnoredCharacters,
  TypeInfo,
  type ValueNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';

export interface Signature {
  readonly hash: string;
  readonly text: string;
}

/**
 * The text of an operation without its values. Numbers and texts are replaced; enum values and names of input fields
 * stay, as they belong to the schema. Operations that differ only in such values, in aliases or in white space have the
 * same signature. Unused definitions are left out.
 */
export function signatureOf(
  source: string,
  operationName: string | undefined,
  schema: GraphQLSchema,
): Signature {
  const document = onlyUsed(parse(source, { noLocation: true }), operationName);
  const aliases = new Map<string, string>();
  const types = new TypeInfo(schema);
  const withoutValues = visit(
    document,
    visitWithTypeInfo(types, {
      Field: (node) => renameAlias(node, aliases),
      // Descriptions are removed, as they may contain anything.
      Argument: (node) => ({ ...node, value: withoutValue(node.value, types.getInputType()) }),
      VariableDefinition: ({ defaultValue, ...node }) =>
        defaultValue === undefined
          ? undefined
          : { ...node, defaultValue: withoutValue(defaultValue, types.getInputType()) },
    }),
  );
  const text = stripIgnoredCharacters(print(withoutValues));
  return { text, hash: createHash('sha256').update(text).digest('hex').slice(0, 32) };
}

/** The operation of this name, or the first one, and the fragments that it uses. */
export function onlyUsed({ definitions }: DocumentNode, operationName: string | undefined): DocumentNode {
  const operation = definitions.find(
    (definition): definition is OperationDefinitionNode =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      (operationName === undefined || definition.name?.value === operationName),
  )!;
  const used = new Set<string>();
  const collect = (node: DocumentNode['definitions'][number]): void => {
    visit(node, {
      FragmentSpread({ name: { value } }) {
        if (used.has(value)) return;
        used.add(value);
        const fragment = definitions.find(
          (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === value,
        );
        if (fragment !== undefined) collect(fragment);
      },
    });
  };
  collect(operation);
  return {
    kind: Kind.DOCUMENT,
    definitions: definitions.filter(
      (definition) =>
        definition === operation ||
        (definition.kind === Kind.FRAGMENT_DEFINITION && used.has(definition.name.value)),
    ),
  };
}

/** Replaces each alias by one new name, so that the same fields merge as before. */
function renameAlias(node: FieldNode, aliases: Map<string, string>): FieldNode | undefined {
  if (node.alias === undefined) return undefined;
  const { value } = node.alias;
  let name = aliases.get(value);
  if (name === undefined) aliases.set(value, (name = `_${aliases.size + 1}`));
  return { ...node, alias: { ...node.alias, value: name } };
}

function withoutValue(value: ValueNode, type: GraphQLInputType | null | undefined): ValueNode {
  const named = type == null ? undefined : getNamedType(type);
  switch (value.kind) {
    case Kind.STRING:
      return { kind: Kind.STRING, value: '' };
    case Kind.INT:
    case Kind.FLOAT:
      return { kind: Kind.INT, value: '0' };
    case Kind.ENUM:
      return isEnumType(named) ? value : { kind: Kind.STRING, value: '' };
    case Kind.LIST:
      return { kind: Kind.LIST, values: distinct(value.values.map((item) => withoutValue(item, type))) };
    case Kind.OBJECT:
      return {
        kind: Kind.OBJECT,
        // In a custom scalar the names are values, too.
        fields: isInputObjectType(named)
          ? value.fields.map((field) => ({
              ...field,
              value: withoutValue(field.value, named.getFields()[field.name.value]?.type),
            }))
          : [],
      };
    case Kind.BOOLEAN:
    case Kind.NULL:
    case Kind.VARIABLE:
      return value;
    default:
      return value satisfies never;
  }
}

function distinct(values: readonly ValueNode[]): ValueNode[] {
  return [...new Map(values.map((value) => [print(value), value])).values()];
}
