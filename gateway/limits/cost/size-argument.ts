import {
  type FieldNode,
  getNullableType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  isInputObjectType,
  Kind,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import type { VariableValues } from '../variables';

/** The value of an argument, then its default: no, one or two numbers. */
export type SizeOf = (variables: VariableValues) => readonly number[];

/** @param path of the argument; `input.first` is a field of an input object */
export function compileSize(
  node: FieldNode,
  definition: GraphQLField<unknown, unknown>,
  path: string,
): SizeOf {
  const [name, ...members] = path.split('.');
  const argument = definition.args.find((each) => each.name === name);
  const value = node.arguments?.find((each) => each.name.value === name)?.value;
  const read: SizeOf = (variables) => {
    let values = [value && valueFromASTUntyped(value, variables), argument?.defaultValue];
    let at: GraphQLArgument | GraphQLInputField | undefined = argument;
    for (const member of members) {
      const object = at && getNullableType(at.type);
      at = isInputObjectType(object) ? object.getFields()[member] : undefined;
      const around = values.find((each) => each !== undefined);
      const isObject = typeof around === 'object' && around !== null;
      values = isObject ? [memberOf(around, member), at?.defaultValue] : [];
    }
    return values.flatMap(numberIn);
  };
  if (value !== undefined && hasVariables(value)) return read;
  const numbers = read({});
  return () => numbers;
}

export const hasVariables = (value: ValueNode): boolean =>
  JSON.stringify(value).includes(`"kind":"${Kind.VARIABLE}"`);

const memberOf = (object: object, name: string): unknown =>
  Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;

/** The number in a value. Scalars for large numbers are mostly texts. */
function numberIn(value: unknown): number[] {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && !Number.isNaN(number) ? [number] : [];
}
