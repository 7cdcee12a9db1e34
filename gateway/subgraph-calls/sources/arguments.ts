/** Arguments of a source's fields, made of values of the graph. */
import {
  type InputObjectTypeDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  type TypeNode,
} from 'graphql';
import { compileSelectionMap, type SelectionMap } from '../../../schema/supergraph/sources/selection-map';
import type { SourceSchema } from '../../../schema/supergraph/sources/source-schema';
import {
  type ExactJson,
  type ExactObject,
  parseExactJson,
  typeOf,
  writeExactJson,
} from '../../replay/exact-json';

/** Makes the JSON of an argument of an object's values. Undefined where there is none, `null` where a part is missing. */
export type ToArgument = (value: ExactJson) => string | undefined;

export function compileArgument(
  map: SelectionMap,
  type: TypeNode,
  { inputs }: Pick<SourceSchema, 'inputs'>,
): ToArgument {
  const evaluate = compileSelectionMap(map);
  return (value) => {
    const made = evaluate(value) as ExactJson | undefined;
    return made === undefined ? undefined : writeExactJson(coerce(made, type, inputs));
  };
}

/** IDs and text may be numbers elsewhere in the graph, and numbers may be IDs. */
function coerce(value: ExactJson, type: TypeNode, inputs: SourceSchema['inputs']): ExactJson {
  if (value === null) return null;
  if (type.kind === Kind.NON_NULL_TYPE) return coerce(value, type.type, inputs);
  if (type.kind === Kind.LIST_TYPE)
    return Array.isArray(value)
      ? value.map((each: ExactJson) => coerce(each, type.type, inputs))
      : coerce(value, type.type, inputs);
  const name = type.name.value;
  const kind = typeOf(value);
  if (kind === 'number' && (name === 'ID' || name === 'String')) return (value as string).slice(1);
  if (kind === 'string' && (name === 'Int' || name === 'Long') && /^-?\d{1,100}$/.test(value as string))
    return `\0${value as string}`;
  const input = kind === 'object' ? inputs.get(name) : undefined;
  return input === undefined ? value : coerceObject(value as ExactObject, input, inputs);
}

const coerceObject = (
  value: ExactObject,
  { fields = [] }: InputObjectTypeDefinitionNode,
  inputs: SourceSchema['inputs'],
): ExactObject => {
  const types = new Map(fields.map(({ name, type }: InputValueDefinitionNode) => [name.value, type]));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      const type = types.get(name);
      return [name, type === undefined ? each : coerce(each, type, inputs)];
    }),
  );
};

/** JSON with its numbers as they are written. @throws {SyntaxError} */
export const parseExact = (json: string): ExactJson =>
  mayHaveNumbers.test(json) ? parseExactJson(json) : (JSON.parse(json) as ExactJson);

/** Or text that begins as the mark of a number does. */
const mayHaveNumbers = /(?:^|[:,[])\s*-?\d|\\u0000/;
