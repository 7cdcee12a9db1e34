/** Values of the graph as the JSON of a source. */
import { type ArgumentNode, Kind, type ObjectFieldNode, type TypeNode, type ValueNode } from 'graphql';
import { applied, type Annotated, typeText } from '../../../../schema/supergraph/sdl';
import type { SourceSchema } from '../../../../schema/supergraph/sources/source-schema';
import {
  type ExactJson,
  exactNumber,
  type ExactObject,
  exactString,
  numberText,
  stringText,
  typeOf,
} from '../../../replay/exact-json';

/** An argument that cannot be sent. Its message is for clients. */
export class ArgumentError extends Error {}

/** By name; without those that were not given. */
export type Arguments = ExactObject;

/** Arguments as an operation has them. */
export const givenArguments = (
  nodes: readonly (ArgumentNode | ObjectFieldNode)[],
  variables: ExactObject,
): Arguments =>
  Object.fromEntries(
    nodes.flatMap(({ name, value }) => {
      const given = valueOf(value, variables);
      return given === undefined ? [] : [[name.value, given] as const];
    }),
  );

/** Undefined for a variable without a value. */
export function valueOf(node: ValueNode, variables: ExactObject): ExactJson | undefined {
  switch (node.kind) {
    case Kind.VARIABLE:
      return Object.hasOwn(variables, node.name.value) ? variables[node.name.value] : undefined;
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return exactNumber(node.value);
    case Kind.LIST:
      return node.values.map((each) => valueOf(each, variables) ?? null);
    case Kind.OBJECT:
      return givenArguments(node.fields, variables);
    case Kind.BOOLEAN:
      return node.value;
    default:
      return exactString(node.value);
  }
}

/** The name in the JSON of a source: of an input field or enum value. */
export const jsonNameOf = (node: Annotated & { readonly name: { readonly value: string } }): string => {
  const name = applied(node, 'json')[0]?.['name'];
  return typeof name === 'string' ? name : node.name.value;
};

/**
 * The JSON of a value: with the source's names of input fields and enum values. Numbers at types of text become text, and
 * texts at types of integers numbers, as an entity's key may have another type elsewhere.
 *
 * @throws {ArgumentError}
 */
export function toJson(
  value: ExactJson,
  type: TypeNode,
  schema: Pick<SourceSchema, 'inputs' | 'enums'>,
): ExactJson {
  if (value === null) return null;
  if (type.kind === Kind.NON_NULL_TYPE) return toJson(value, type.type, schema);
  if (type.kind === Kind.LIST_TYPE) {
    const items: readonly ExactJson[] = Array.isArray(value) ? value : [value];
    return items.map((item) => toJson(item, type.type, schema));
  }
  const name = type.name.value;
  const kind = typeOf(value);
  const mismatch = () => new ArgumentError(`\`${typeText(type)}\` cannot be a ${kind}.`);
  const input = schema.inputs.get(name);
  if (input !== undefined) {
    if (kind !== 'object') throw mismatch();
    const entries = (input.fields ?? []).flatMap((field) => {
      const own = Object.hasOwn(value as ExactObject, field.name.value);
      const given = own ? (value as ExactObject)[field.name.value] : undefined;
      return given === undefined ? [] : [[jsonNameOf(field), toJson(given, field.type, schema)] as const];
    });
    return Object.fromEntries(entries);
  }
  const found = schema.enums.get(name)?.values?.find((each) => each.name.value === value);
  if (found !== undefined) return exactString(jsonNameOf(found));
  if (schema.enums.has(name)) throw new ArgumentError(`This is no value of \`${name}\`.`);
  if ((name === 'ID' || name === 'String') && kind === 'number') return numberText(value);
  if (integers.has(name)) {
    const text = kind === 'string' ? stringText(value as string) : kind === 'number' ? numberText(value) : '';
    if (!isInteger.test(text)) throw new ArgumentError('It is no integer, but the source has integers.');
    return exactNumber(text);
  }
  return value;
}

const integers = new Set(['Int', 'Long']);
export const isInteger = /^-?(?:0|[1-9]\d{0,99})$/;
