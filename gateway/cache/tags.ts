/** Tags of cache entries. An entry has the tags of everything in it. An invalidation names tags. */
import { isMap } from '../options/is-map';

export const subgraphTag = (name: string): string => `subgraph:${name}`;
export const typeTag = (type: string): string => `type:${type}`;
export const operationTag = (name: string): string => `operation:${name}`;

/**
 * The tag of an entity whose value for one of its keys is not known: invalidating any entity of the type by that key drops
 * the entry. A key of several fields is named by its first one, in the order of `entityTag`, which sorts them including
 * the `=`: `id2=` comes before `id=`.
 */
export const unknownEntityTag = (type: string, fields: readonly string[]): string =>
  `${type}:${fields.map((field) => `${field}=`).sort()[0]}?`;

/**
 * The tag of an entity: `Item:id=1,org=2`, with sorted fields. Fields of objects are written as paths (`org.id=2`). The
 * number 1 and the text "1" give the same tag, as they are the same `ID`.
 */
export function entityTag(type: string, key: Readonly<Record<string, unknown>>): string {
  const fields = fieldsOf(key).map(([field, value]) => fieldOfTag(field, value));
  return `${type}:${fields.sort().join(',')}`;
}

export const fieldOfTag = (field: string, value: unknown): string =>
  `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`;

/** The tag that an entry has instead of this one if the value is not known. Empty for tags that are not of entities. */
export function unknownOf(tag: string): string[] {
  const [, type, field] = /^([A-Za-z_]\w*):([A-Za-z_][\w.]*)=/.exec(tag) ?? [];
  return type === undefined ? [] : [unknownEntityTag(type, [field!])];
}

/** The fields of a key and their values. Fields of objects are written as paths. */
export function fieldsOf(
  key: Readonly<Record<string, unknown>>,
  path = '',
): (readonly [field: string, value: unknown])[] {
  return Object.entries(key).flatMap(([field, value]) => {
    if (field === '__typename') return [];
    if (isMap(value)) return fieldsOf(value, `${path}${field}.`);
    return [[`${path}${field}`, value] as const];
  });
}
