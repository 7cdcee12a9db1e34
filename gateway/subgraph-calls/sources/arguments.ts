/** Arguments of a source's fields, made of values of the graph. */
import type { TypeNode } from 'graphql';
import { compileSelectionMap, type SelectionMap } from '../../../schema/supergraph/sources/selection-map';
import type { SourceSchema } from '../../../schema/supergraph/sources/source-schema';
import type { ExactJson, ExactObject } from '../../replay/exact-json';
import { ArgumentError, toJsonOf } from './inputs';

/** Makes an argument of an object's values. Undefined where it cannot be one, `null` where a part is missing. */
export type ToArgument = (value: ExactObject) => ExactJson | undefined;

export function compileArgument(
  map: SelectionMap,
  type: TypeNode,
  schema: Pick<SourceSchema, 'inputs' | 'enums'>,
): ToArgument {
  const evaluate = compileSelectionMap(map);
  const toJson = toJsonOf(type, schema);
  return (value) => {
    const made = evaluate(value) as ExactJson | undefined;
    try {
      return made === undefined ? undefined : toJson(made);
    } catch (error) {
      if (error instanceof ArgumentError) return undefined;
      throw error;
    }
  };
}
