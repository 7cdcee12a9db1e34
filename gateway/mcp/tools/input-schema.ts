import {
  getNullableType,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  Kind,
  type OperationDefinitionNode,
  typeFromAST,
  TypeInfo,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { type JsonSchema, nullable, scalarSchema } from './json-schema';

/** What the arguments of a tool must be: the variables of its operation. The operation must be valid. */
export function inputSchemaOf(operation: OperationDefinitionNode, schema: GraphQLSchema): JsonSchema {
  const definitions = new Map<string, JsonSchema>();
  const described = describedArguments(operation, schema);
  const variables = operation.variableDefinitions ?? [];
  const properties = variables.map((each) => {
    const name = each.variable.name.value;
    const type = typeFromAST(schema, each.type) as GraphQLInputType;
    const description = each.description?.value ?? described.get(name);
    return [
      name,
      {
        ...schemaOf(type, definitions),
        ...(description != null && { description }),
        ...(each.defaultValue !== undefined && { default: valueFromASTUntyped(each.defaultValue) }),
      },
    ] as const;
  });
  const required = variables
    .filter(({ type, defaultValue }) => type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined)
    .map(({ variable }) => variable.name.value);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
    ...(definitions.size > 0 && { $defs: Object.fromEntries(definitions) }),
  };
}

function schemaOf(type: GraphQLInputType, definitions: Map<string, JsonSchema>): JsonSchema {
  const own = schemaOfNullable(getNullableType(type), definitions);
  return isNonNullType(type) ? own : nullable(own);
}

function schemaOfNullable(type: GraphQLInputType, definitions: Map<string, JsonSchema>): JsonSchema {
  if (isListType(type)) return { type: 'array', items: schemaOf(type.ofType, definitions) };
  if (isEnumType(type)) return { type: 'string', enum: type.getValues().map(({ name }) => name) };
  if (!isInputObjectType(type)) return scalarSchema(type.toString(), 'input');
  if (!definitions.has(type.name)) {
    const fields = Object.values(type.getFields());
    const required = fields.filter(isRequiredInputField).map(({ name }) => name);
    // First, as it may hold itself.
    definitions.set(type.name, {});
    definitions.set(type.name, {
      type: 'object',
      ...(type.description != null && { description: type.description }),
      properties: Object.fromEntries(
        fields.map((field) => {
          const { name, description } = field;
          const own = schemaOf(field.type, definitions);
          return [name, description == null ? own : { ...own, description }];
        }),
      ),
      ...(required.length > 0 && { required }),
      ...(type.isOneOf && { minProperties: 1, maxProperties: 1 }),
      additionalProperties: false,
    });
  }
  return { $ref: `#/$defs/${type.name}` };
}

/** The descriptions of the arguments that variables are used for, the first of each. */
function describedArguments(
  operation: OperationDefinitionNode,
  schema: GraphQLSchema,
): ReadonlyMap<string, string> {
  const described = new Map<string, string>();
  const info = new TypeInfo(schema);
  visit(
    operation,
    visitWithTypeInfo(info, {
      Argument({ value }) {
        const description = info.getArgument()?.description;
        if (value.kind === Kind.VARIABLE && description != null && !described.has(value.name.value))
          described.set(value.name.value, description);
      },
    }),
  );
  return described;
}
