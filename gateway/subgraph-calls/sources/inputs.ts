/** Values of the graph as the JSON of a source. */
import {
  type ArgumentNode,
  type InputObjectTypeDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  type ObjectFieldNode,
  type TypeNode,
  type ValueNode,
} from 'graphql';
import { applied, type Annotated } from '../../../schema/supergraph/sdl';
import type { SourceSchema } from '../../../schema/supergraph/sources/source-schema';
import {
  type ExactJson,
  exactNumber,
  type ExactObject,
  exactString,
  numberText,
  stringText,
  typeOf,
} from '../../replay/exact-json';

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

/** @throws {ArgumentError} */
export type ToJson = (value: ExactJson) => ExactJson;

/**
 * Makes the JSON of values: with the source's names of input fields and enum values. Numbers at types of text become text, and
 * texts at types of integers numbers, as an entity's key may have another type elsewhere.
 */
export function toJsonOf(type: TypeNode, schema: Pick<SourceSchema, 'inputs' | 'enums'>): ToJson {
  if (type.kind === Kind.NON_NULL_TYPE) return toJsonOf(type.type, schema);
  const toJson =
    type.kind === Kind.LIST_TYPE ? listOf(toJsonOf(type.type, schema)) : named(type.name.value, schema);
  return (value) => (value === null ? null : toJson(value));
}

const listOf =
  (item: ToJson): ToJson =>
  (value) =>
    Array.isArray(value) ? value.map((each: ExactJson) => item(each)) : [item(value)];

function named(name: string, schema: Pick<SourceSchema, 'inputs' | 'enums'>): ToJson {
  const input = schema.inputs.get(name);
  if (input !== undefined) return objectOf(input, schema);
  const values = schema.enums.get(name)?.values;
  if (values !== undefined) {
    const known = new Map<ExactJson, string>(
      values.map((each) => [each.name.value, exactString(jsonNameOf(each))]),
    );
    return (value) => {
      const json = known.get(value);
      if (json === undefined) throw new ArgumentError(`This is no value of \`${name}\`.`);
      return json;
    };
  }
  if (name === 'ID' || name === 'String')
    return (value) => (typeOf(value) === 'number' ? numberText(value) : value);
  return name === 'Int' || name === 'Long' ? integerOf : (value) => value;
}

function objectOf(
  { name, fields = [] }: InputObjectTypeDefinitionNode,
  schema: Pick<SourceSchema, 'inputs' | 'enums'>,
): ToJson {
  // Made when they are needed: an input may have itself.
  let members: (readonly [name: string, jsonName: string, toJson: ToJson])[] | undefined;
  return (value) => {
    if (typeOf(value) !== 'object')
      throw new ArgumentError(`\`${name.value}\` cannot be a ${typeOf(value)}.`);
    members ??= fields.map((each) => [each.name.value, jsonNameOf(each), memberOf(each, schema)]);
    const json: [string, ExactJson][] = [];
    for (const [own, jsonName, toJson] of members)
      if (Object.hasOwn(value as ExactObject, own))
        json.push([jsonName, toJson((value as ExactObject)[own]!)]);
    return Object.fromEntries(json);
  };
}

function memberOf(
  { name, type }: InputValueDefinitionNode,
  schema: Pick<SourceSchema, 'inputs' | 'enums'>,
): ToJson {
  const toJson = toJsonOf(type, schema);
  if (type.kind !== Kind.NON_NULL_TYPE) return toJson;
  return (value) => {
    if (value === null) throw new ArgumentError(`\`${name.value}\` must not be null.`);
    return toJson(value);
  };
}

function integerOf(value: ExactJson): ExactJson {
  const kind = typeOf(value);
  const text = kind === 'string' ? stringText(value as string) : kind === 'number' ? numberText(value) : '';
  if (!isInteger.test(text)) throw new ArgumentError('It is no integer, but the source has integers.');
  return exactNumber(text);
}

export const isInteger = /^-?(?:0|[1-9]\d{0,99})$/;
