/** A tag of cache entries. An entry has the tags of everything in it; an invalidation names some tags. */
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
 * `Item:id=1,org=2`: the fields sorted, those of objects by their path (`org.id=2`). Values that differ only in what
 * is a number and what is text are the same, as they are for an `ID`.
 */
export function entityTag(type: string, key: Readonly<Record<string, unknown>>): string {
  const fields = fieldsOf(key).map(
    ([field, value]) => `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${type}:${fields.sort().join(',')}`;
}

/** The tag that an entry has instead of this one if the value is not known. Undefined for other tags than those of entities. */
export function unknownOf(tag: string): string[] {
  const [, type, field] = /^([A-Za-z_]\w*):([A-Za-z_][\w.]*)=/.exec(tag) ?? [];
  return type === undefined ? [] : [unknownEntityTag(type, [field!])];
}

/** The fields of a key and their values; those of objects by their path. */
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
