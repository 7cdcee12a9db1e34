/** What a fetch from a source calls there, as far as it is known without data. */
import {
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import {
  type Lookup,
  readSourceSchema,
  type SourceField,
  type SourceSchema,
  type SourceType,
} from '../../schema/supergraph/sources/source-schema';
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
  return {
    configuredName: (subgraph: string): string => sources.get(subgraph)?.of ?? subgraph,
    upstreamOf: (subgraph: string, document: string): UpstreamCall[] | undefined => {
      const source = schemas.get(subgraph);
      return source && upstreamCalls(source, document);
    },
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
  /** Fields with `@from` below an object. */
  const addBelow = (type: SourceType | undefined, selection: SelectionSetNode | undefined): void => {
    for (const [selected, below, on] of fieldsOf(selection, type, source)) {
      const field = on?.fields.get(selected);
      if (field?.from !== undefined) add(query?.fields.get(field.from), 'each', 'query');
      if (field !== undefined) addBelow(source.types.get(field.namedType), below);
    }
  };
  for (const selection of selectionSet.selections) {
    if (selection.kind !== Kind.FIELD) continue;
    if (selection.name.value !== '_entities') {
      const field = root?.fields.get(selection.name.value);
      add(field, 'all');
      addBelow(source.types.get(field?.namedType ?? ''), selection.selectionSet);
      continue;
    }
    for (const entity of selection.selectionSet?.selections ?? [])
      if (entity.kind === Kind.INLINE_FRAGMENT && entity.typeCondition) {
        const name = entity.typeCondition.name.value;
        const type = source.types.get(name);
        const lookup = lookupFor(source, name, [...fieldsOf(entity.selectionSet, type, source)]);
        if (lookup) add(query?.fields.get(lookup.field), lookup.isList ? 'all' : 'each');
        addBelow(type, entity.selectionSet);
      }
  }
  return [...found.values()];
}

type Selected = readonly [name: string, below: SelectionSetNode | undefined, on: SourceType | undefined];

/** The lookup that gets these fields; undefined where the representation has them all, or root fields answer them. */
function lookupFor(source: SourceSchema, entity: string, fields: readonly Selected[]): Lookup | undefined {
  const lookups = source.lookups.get(entity) ?? [];
  const isMade = ([name, , on]: Selected): boolean => {
    const field = on?.fields.get(name);
    return name === '__typename' || field?.derived !== undefined || field?.from !== undefined;
  };
  return fields.every(isMade) ? undefined : (lookups.find(({ isList }) => isList) ?? lookups[0]);
}

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
