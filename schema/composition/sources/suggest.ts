/** Proposes what an overlay may say of an API: lookups, and links that are made of ids. */
import { Kind } from 'graphql';
import { listDepth, namedTypeOf, nullable, typeText } from '../../supergraph/sdl';
import type { SourceField, SourceSchema, SourceType } from '../../supergraph/sources/source-schema';
import type { Owners } from './owners';

/** A line of an overlay. */
export interface Suggestion {
  /** Such as `Query.usersByIds`. */
  readonly coordinate: string;
  readonly overlay: string;
}

/** @param owners of the other subgraphs: links are proposed to the entities that these and proposed lookups know */
export function suggestionsFor(source: SourceSchema, owners: Owners): Suggestion[] {
  const query = source.roots.query ?? 'Query';
  const queries = [...(source.types.get(query)?.fields.values() ?? [])];
  const lookups = queries.flatMap((field) => lookupOf(source, query, field) ?? []);
  const entities = new Set([...source.lookups.keys(), ...lookups.map(({ entity }) => entity)]);
  const links = [...source.types.values()]
    .filter(({ kind, name }) => kind === 'object' && !Object.values(source.roots).includes(name))
    .flatMap((type) =>
      Array.from(type.fields.values(), (field) => linkOf(type, field, { source, entities, owners }) ?? []),
    );
  return [...lookups.map(({ suggestion }) => suggestion), ...links.flat()];
}

/** A query whose only necessary argument is a value, or a list of values, of the objects that it returns. */
function lookupOf(
  { types }: SourceSchema,
  query: string,
  { name, namedType, type, node, isLookup }: SourceField,
): { suggestion: Suggestion; entity: string } | undefined {
  const entity = types.get(namedType);
  const needed = (node.arguments ?? []).filter(
    (argument) => argument.type.kind === Kind.NON_NULL_TYPE && argument.defaultValue === undefined,
  );
  const [argument = node.arguments?.length === 1 ? node.arguments[0] : undefined, ...others] = needed;
  if (isLookup || entity?.kind !== 'object' || argument === undefined || others.length > 0) return undefined;
  const depth = listDepth(type);
  if (depth > 1 || depth !== listDepth(argument.type)) return undefined;
  const given = argument.name.value;
  const singular = depth === 0 ? given : given.replace(/s$/, '');
  const key = [...entity.fields.values()].find(
    (field) =>
      listDepth(field.type) === 0 &&
      field.namedType === namedTypeOf(argument.type) &&
      [field.name, joinedName(entity.name, field.name)].includes(singular),
  );
  if (key === undefined) return undefined;
  const isImplied = depth === 0 && key.name === given && argument.type.kind === Kind.NON_NULL_TYPE;
  const is = isImplied ? '' : ` @is(field: "${depth === 0 ? key.name : `[${key.name}]`}")`;
  const overlay = `extend type ${query} { ${name}(${given}: ${typeText(argument.type)}${is}): ${typeText(type)} @lookup }`;
  return { suggestion: { coordinate: `${query}.${name}`, overlay }, entity: entity.name };
}

interface Known {
  readonly source: SourceSchema;
  /** Those of the source. */
  readonly entities: ReadonlySet<string>;
  readonly owners: Owners;
}

/** A field that is named after an entity and its key: `userId`. */
function linkOf(
  { name: parent, fields }: SourceType,
  { name, type, namedType, arguments: args }: SourceField,
  { source, entities, owners }: Known,
): Suggestion | undefined {
  const [, link = '', key = ''] = /^(\w*?[a-z0-9])_?(id)$/i.exec(name) ?? [];
  const target = link.charAt(0).toUpperCase() + link.slice(1);
  const isEntity = entities.has(target) || [...owners.keys(target)].includes(key.toLowerCase());
  if (!isEntity || target === parent || fields.has(link) || args.size > 0 || listDepth(type) > 0)
    return undefined;
  const id = source.types.get(target)?.fields.get('id')?.type ?? owners.field(target, 'id')?.type;
  if (id === undefined || typeText(nullable(id)) !== namedType) return undefined;
  return {
    coordinate: `${parent}.${name}`,
    overlay: `extend type ${parent} { ${link}: ${target} @derive @is(field: "{ id: ${name} }") }`,
  };
}

const joinedName = (type: string, field: string): string =>
  `${type.charAt(0).toLowerCase()}${type.slice(1)}${field.charAt(0).toUpperCase()}${field.slice(1)}`;
