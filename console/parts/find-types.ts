import type { SchemaType } from '../../gateway/console/api';

export interface FoundType {
  readonly type: SchemaType;
  /** The names of the fields that were found; empty where the type itself was. */
  readonly fields: readonly string[];
}

/** Types whose name, subgraph or field has the text, names first. A text such as `Product.na` is looked for in one type. */
export function findTypes(types: readonly SchemaType[], search: string, isDeletable: boolean): FoundType[] {
  const [typeText = '', fieldText] = search.trim().toLowerCase().split('.');
  const named: FoundType[] = [];
  const others: FoundType[] = [];
  for (const type of types) {
    const name = type.name.toLowerCase();
    const wanted = isDeletable
      ? type.fields.filter(({ mayBeDeleted }) => mayBeDeleted?.yes === true)
      : type.fields;
    if (isDeletable && wanted.length === 0) continue;
    const isNamed = name.includes(typeText) || type.owners.some((owner) => owner.toLowerCase() === typeText);
    if (fieldText !== undefined && !isNamed) continue;
    const fields = wanted.filter(({ name: field }) => field.toLowerCase().includes(fieldText ?? typeText));
    const names = fields.map(({ name: field }) => field);
    if (fieldText === undefined && isNamed)
      named.push({ type, fields: isDeletable ? wanted.map((each) => each.name) : [] });
    else if (names.length > 0) others.push({ type, fields: names });
  }
  return [...named, ...others];
}
