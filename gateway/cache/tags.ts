/** What a cached answer is made of, as text. An entry has the tags of everything in it; an invalidation names some. */

export const subgraphTag = (name: string): string => `subgraph:${name}`;
export const typeTag = (type: string): string => `type:${type}`;
export const operationTag = (name: string): string => `operation:${name}`;

/**
 * An entity of that type whose value for one of its keys is not known: the invalidation of any entity of the type by
 * that key drops it. Of a key of several fields the first one stands in it, in the order of `entityTag`, which sorts them
 * with the sign behind them: `id2=` comes before `id=`.
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

/** The tag that an entity has, in place of this one, where it is not known. None for what is no entity's tag. */
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
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return fieldsOf(value as Readonly<Record<string, unknown>>, `${path}${field}.`);
    }
    return [[`${path}${field}`, value] as const];
  });
}
