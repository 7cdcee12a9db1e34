import {
  coerceInputValue,
  getNamedType,
  getNullableType,
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isListType,
  isRequiredInputField,
  Kind,
  print,
  typeFromAST,
} from 'graphql';
import type { VariableValues } from '../../limits/variables';
import { shortened } from './refusal';

/** An error of a variable in names of the schema and of the document, as graphql-js quotes the value. */
export function explainVariable(
  schema: GraphQLSchema,
  { nodes }: GraphQLError,
  variables: VariableValues,
): string {
  const definition = nodes?.find(({ kind }) => kind === Kind.VARIABLE_DEFINITION);
  if (definition?.kind !== Kind.VARIABLE_DEFINITION) return 'Too many variables do not fit their types.';
  const name = definition.variable.name.value;
  const what = `The variable \`$${shortened(name)}\` of type \`${shortened(print(definition.type))}\``;
  const value: unknown = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (value === undefined) return `${what} got no value.`;
  const type = typeFromAST(schema, definition.type) as GraphQLInputType | undefined;
  let wrong = `a value that is no \`${shortened(print(definition.type))}\``;
  let isFirst = true;
  if (type !== undefined)
    coerceInputValue(value, type, (path, invalid) => {
      if (isFirst) wrong = describe(type, path, invalid);
      isFirst = false;
    });
  return `${what} got ${wrong}.`;
}

/** @param path where in the value something is wrong: fields of the schema, and indexes of lists */
function describe(type: GraphQLInputType, path: readonly (string | number)[], invalid: unknown): string {
  const { found, field } = typeAt(type, path);
  const named = getNamedType(found);
  if (
    isInputObjectType(named) &&
    typeof invalid === 'object' &&
    invalid !== null &&
    !Array.isArray(invalid)
  ) {
    const fields = named.getFields();
    const lacking = Object.values(fields).find(
      (each) => isRequiredInputField(each) && (invalid as VariableValues)[each.name] === undefined,
    );
    if (lacking !== undefined) return `no value for \`${named.name}.${lacking.name}\``;
    // The name is of the client.
    if (Object.keys(invalid).some((key) => !Object.hasOwn(fields, key)))
      return `a field that \`${named.name}\` does not have`;
    if (named.isOneOf) return `not exactly one field of \`${named.name}\``;
  }
  return `a value${field === undefined ? '' : ` for \`${field}\``} that is no \`${String(found)}\``;
}

/** The type at a path, and the field that it is in. */
function typeAt(
  type: GraphQLInputType,
  path: readonly (string | number)[],
): { found: GraphQLInputType; field: string | undefined } {
  let found = type;
  let field: string | undefined;
  for (const step of path) {
    const nullable: GraphQLInputType = getNullableType<GraphQLInputType>(found);
    if (typeof step === 'number') found = isListType(nullable) ? nullable.ofType : nullable;
    else {
      // A single value is a list of one.
      const object = getNamedType(nullable);
      const next = isInputObjectType(object) ? object.getFields()[step] : undefined;
      if (next === undefined) break;
      field = `${getNamedType(object).name}.${step}`;
      found = next.type;
    }
  }
  return { found, field };
}
