/** What a fetch from a source calls there, as far as it is known without data. */
import {
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import {
  madeOf,
  readSourceSchema,
  type SourceField,
  type SourceSchema,
  type SourceType,
} from '../../schema/supergraph/sources/source-schema';
import { derivedNames } from '../../schema/supergraph/sources/selection-map';
import { sourcesOf } from '../../schema/supergraph/sources/sources-of';

export interface UpstreamCall {
  /** `query wishListsOf` or `GET /suppliers/{id}`: the operation type and root field, or the method and path. */
  readonly request: string;
  /** `all`: one call for all objects, or of the root. `each`: a call for each object, or an alias of one call. */
  readonly of: 'all' | 'each';
}

/** What is known of the sources of a supergraph without calling them. */
export function describeSources(supergraphSdl: string) {
  const sources = sourcesOf(parse(supergraphSdl, { noLocation: true }));
  const schemas = new Map(
    Array.from(sources, ([subgraph, { schema }]) => [subgraph, readSourceSchema(schema)] as const),
  );
  return (subgraph: string, document: string): UpstreamCall[] | undefined => {
    const source = schemas.get(subgraph);
    return source && upstreamCalls(source, document);
  };
}

/** @param document of a fetch from the source, in Federation's form. Empty where it needs no call. */
function upstreamCalls(source: SourceSchema, document: string): UpstreamCall[] {
  const { definitions } = parse(document, { noLocation: true });
  const { operation, selectionSet } = definitions[0] as OperationDefinitionNode;
  const root = source.types.get(source.roots[operation] ?? '');
  const found = new Map<string, UpstreamCall>();
  const add = (field: SourceField | undefined, of: UpstreamCall['of'], kind: string = operation): void => {
    if (field === undefined) return;
    const { http, name } = field;
    const request = http === undefined ? `${kind} ${name}` : `${http.method} ${http.path}`;
    if (!found.has(request)) found.set(request, { request, of });
  };
  const query = source.types.get(source.roots.query ?? '');
  const addLookup = (entity: string): void => {
    const lookups = source.lookups.get(entity) ?? [];
    const lookup = lookups.find(({ isList }) => isList) ?? lookups[0];
    if (lookup) add(query?.fields.get(lookup.field), lookup.isList ? 'all' : 'each', 'query');
  };
  /** Fields with `@from` below an object, and lookups of what a part of an object lacks. */
  const addBelow = (
    type: SourceType | undefined,
    selection: SelectionSetNode | undefined,
    parent?: SourceField,
  ): void => {
    for (const [selected, below, on] of fieldsOf(selection, type, source)) {
      const field = on?.fields.get(selected);
      const part = on && parent && partOf(source, parent, on);
      const needed = field && (madeOf(field) ?? [selected]);
      if (part && needed?.some((each) => !part.has(each))) addLookup(on.name);
      if (field?.from !== undefined) add(query?.fields.get(field.from), 'each', 'query');
      const returned = source.types.get(field?.namedType ?? '');
      addBelow(source.types.get(returned?.graphName ?? '') ?? returned, below, field);
    }
  };
  for (const selection of selectionSet.selections) {
    if (selection.kind !== Kind.FIELD) continue;
    if (selection.name.value !== '_entities') {
      const field = root?.fields.get(selection.name.value);
      add(field, 'all');
      const returned = source.types.get(field?.namedType ?? '');
      addBelow(source.types.get(returned?.graphName ?? '') ?? returned, selection.selectionSet, field);
      continue;
    }
    for (const entity of selection.selectionSet?.selections ?? [])
      if (entity.kind === Kind.INLINE_FRAGMENT && entity.typeCondition) {
        const name = entity.typeCondition.name.value;
        const type = source.types.get(name);
        if (!areMade([...fieldsOf(entity.selectionSet, type, source)])) addLookup(name);
        addBelow(type, entity.selectionSet);
      }
  }
  return [...found.values()];
}

type Selected = readonly [name: string, below: SelectionSetNode | undefined, on: SourceType | undefined];

/** What of an object the value of a field has, where that is a part: a link or a summary. */
function partOf(
  source: SourceSchema,
  { derived, namedType }: SourceField,
  { name }: SourceType,
): ReadonlySet<string> | undefined {
  if (derived !== undefined) return new Set(derivedNames(derived));
  const possible = source.types.get(namedType)?.possibleTypes.map((each) => source.types.get(each)) ?? [];
  const summary = possible.find((each) => each?.graphName === name && each.name !== name);
  return summary && new Set(summary.fields.keys());
}

/** Whether the representation has all these fields, or root fields answer them. */
const areMade = (fields: readonly Selected[]): boolean =>
  fields.every(([name, , on]) => {
    const field = on?.fields.get(name);
    return name === '__typename' || (field !== undefined && madeOf(field) !== undefined);
  });

/** The selected fields, with the type that each is of. */
function* fieldsOf(
  selection: SelectionSetNode | undefined,
  type: SourceType | undefined,
  source: SourceSchema,
): Generator<Selected> {
  for (const selected of selection?.selections ?? ([] as readonly SelectionNode[])) {
    if (selected.kind === Kind.FIELD) yield [selected.name.value, selected.selectionSet, type];
    else if (selected.kind === Kind.INLINE_FRAGMENT) {
      const condition = selected.typeCondition?.name.value;
      yield* fieldsOf(
        selected.selectionSet,
        condition === undefined ? type : source.types.get(condition),
        source,
      );
    }
  }
}
