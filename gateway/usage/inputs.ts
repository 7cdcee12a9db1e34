import {
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';

/** Calls `see` with each enum value and input field in the variables, such as `Currency.EUR` or `CartInput.lines`. */
export type FindInputs = (
  variables: Readonly<Record<string, unknown>>,
  see: (coordinate: string) => void,
) => void;

type Find = (value: unknown, see: (coordinate: string) => void) => void;

/** Undefined if all variables are scalars. Then there is nothing to find, and requests take no time. */
export function compileInputs(
  { variableDefinitions = [] }: OperationDefinitionNode,
  schema: GraphQLSchema,
): FindInputs | undefined {
  const known = new Map<string, Find>();
  const finds = variableDefinitions.flatMap(({ variable, type }): [string, Find][] => {
    const find = compileFind(typeFromAST(schema, type) as GraphQLInputType | undefined, known);
    return find === undefined ? [] : [[variable.name.value, find]];
  });
  if (finds.length === 0) return undefined;
  return (variables, see) => {
    for (const [name, find] of finds) if (Object.hasOwn(variables, name)) find(variables[name], see);
  };
}

function compileFind(type: GraphQLInputType | undefined, known: Map<string, Find>): Find | undefined {
  if (type === undefined) return undefined;
  if (isNonNullType(type)) return compileFind(type.ofType, known);
  if (isListType(type)) {
    const find = compileFind(type.ofType, known);
    return (
      find &&
      ((value, see) => {
        if (Array.isArray(value)) for (const item of value) find(item, see);
        // A single value is coerced to a list of one.
        else find(value, see);
      })
    );
  }
  if (isEnumType(type)) {
    const coordinates = new Map(type.getValues().map(({ name }) => [name, `${type.name}.${name}`]));
    return (value, see) => {
      const coordinate = coordinates.get(value as string);
      if (coordinate !== undefined) see(coordinate);
    };
  }
  if (!isInputObjectType(type)) return undefined;
  const found = known.get(type.name);
  if (found !== undefined) return found;
  const fields = new Map<string, { readonly coordinate: string; readonly find: Find | undefined }>();
  const find: Find = (value, see) => {
    if (typeof value !== 'object' || value === null) return;
    see(type.name);
    for (const [name, member] of Object.entries(value)) {
      const field = fields.get(name);
      if (field === undefined) continue;
      see(field.coordinate);
      field.find?.(member, see);
    }
  };
  // Set before the fields are compiled, as the type may be recursive.
  known.set(type.name, find);
  for (const field of Object.values(type.getFields()))
    fields.set(field.name, {
      coordinate: `${type.name}.${field.name}`,
      find: compileFind(field.type, known),
    });
  return find;
}
