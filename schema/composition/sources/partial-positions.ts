/** The positions that have only a part of an entity. */
import { readKey } from '../../supergraph/key-paths';
import { fieldSetOf } from '../../supergraph/sources/selection-map';
import type { SourceField, SourceType } from '../../supergraph/sources/source-schema';
import { derivedNames, type SourceInProgress } from './graph-types';

/** A field whose value has a part of an entity. */
export interface PartialPosition {
  readonly type: SourceType;
  readonly field: SourceField;
  /** What it has, by the names of the entities in the graph. */
  readonly given: ReadonlyMap<string, ReadonlySet<string>>;
}

export function positionsOf({ source, types }: SourceInProgress): PartialPosition[] {
  return [...source.types.values()].flatMap((type) =>
    [...type.fields.values()].flatMap((field): PartialPosition[] => {
      if (types.field(type.graphName, field.name) === undefined) return [];
      if (field.derived !== undefined)
        return [{ type, field, given: new Map([[field.namedType, new Set(derivedNames(field.derived))]]) }];
      const given = new Map<string, ReadonlySet<string>>();
      for (const name of source.types.get(field.namedType)?.possibleTypes ?? []) {
        const { graphName, fields } = source.types.get(name) ?? { graphName: name };
        if (graphName !== name && fields !== undefined) given.set(graphName, new Set(fields.keys()));
      }
      return given.size === 0 ? [] : [{ type, field, given }];
    }),
  );
}

/** What all positions of an entity have of it. */
export function commonOf(positions: readonly PartialPosition[]): Map<string, ReadonlySet<string>> {
  const common = new Map<string, ReadonlySet<string>>();
  for (const { given } of positions)
    for (const [name, fields] of given) {
      const before = common.get(name);
      common.set(
        name,
        before === undefined ? fields : new Set([...before].filter((each) => fields.has(each))),
      );
    }
  return common;
}

export type FieldPath = readonly string[];

/** In the notation of Federation: `id address { zip }`. */
export const textOf = (paths: readonly FieldPath[]): string =>
  fieldSetOf(paths.map((path) => ({ kind: 'path', path: path.map((name) => ({ kind: 'field', name })) })));

/** What of an object a link or a call is made of; undefined for other fields. */
export function needsOf(
  { source, types }: SourceInProgress,
  type: string,
  name: string,
): readonly FieldPath[] | undefined {
  const field = source.types.get(type)?.fields.get(name);
  if (field?.derived === undefined && field?.from === undefined) return undefined;
  const required = [...field.arguments.values()].flatMap(({ require: map }) => map ?? []);
  const paths = readKey(fieldSetOf(field.derived === undefined ? required : [field.derived]));
  return paths.filter(([first]) => types.field(type, first!) !== undefined);
}
