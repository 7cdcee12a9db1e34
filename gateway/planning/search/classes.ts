/**
 * Classes of object types that behave alike: for what is selected of them, all subgraphs say the same of their fields and
 * keys. One type of a class is solved for all of it, so that an interface of many types costs as much as one of few.
 */
import { remembered } from '../maps';
import { conditionsKey, type SelectedField, type Selection } from '../selections/selection';
import { type IndexedType, isInterfaceObject } from '../supergraph-index/supergraph-index';
import { type Search } from './search';
import { type Sources } from './sources';

export interface TypeClass {
  readonly types: readonly IndexedType[];
  /** What is selected of them. */
  readonly fields: readonly SelectedField[];
  readonly sources: Sources;
}

/** The classes of which something is selected. */
export function classesOf(
  search: Search,
  type: IndexedType,
  possible: readonly IndexedType[],
  selection: Selection,
  sources: Sources,
): TypeClass[] {
  const classes = new Map<string, TypeClass & { types: IndexedType[] }>();
  const numbers = new Map<object, number>();
  for (const object of possible) {
    const fields = search.flattening.fieldsOf(selection, object.name);
    if (fields.length === 0) continue;
    const holding = sources.list.filter(({ subgraph }) => type.objects.get(object.name)?.has(subgraph));
    const key = classKey(
      search,
      object,
      fields,
      holding.map(({ subgraph }) => subgraph),
      numbers,
    );
    // What is provided may be of some types alone.
    const isOwn = holding.some(({ provided }) => provided !== undefined);
    const known = classes.get(key);
    if (known !== undefined && !isOwn) {
      known.types.push(object);
      continue;
    }
    const held = holding.map((source) => (source.as === object ? source : { ...source, as: object }));
    classes.set(isOwn ? `${key}|${object.name}` : key, {
      types: [object],
      fields,
      sources: search.sources.of(held, sources.contexts),
    });
  }
  return [...classes.values()];
}

/** Equal for types that behave alike. */
function classKey(
  { index }: Search,
  type: IndexedType,
  fields: readonly SelectedField[],
  holding: readonly number[],
  numbers: Map<object, number>,
): string {
  let key = `${holding.join()}|${type.contexts.join()}|`;
  const names = new Set<string>();
  for (const field of fields) {
    const { selection, responseName, signature, when } = field;
    key += `${remembered(numbers, selection ?? field, () => numbers.size)}:${responseName}:${signature}:${conditionsKey(when)},`;
    names.add(field.name);
  }
  for (const [subgraph, { keys, keyFields }] of type.joins) {
    key += `|${subgraph}`;
    for (const { text, isResolvable } of keys) key += `${isResolvable ? '' : '!'}{${text}}`;
    for (const name of keyFields) names.add(name);
  }
  for (const name of type.interfaces) {
    const implemented = index.types.get(name);
    if (implemented === undefined) continue;
    for (const [subgraph, { keyFields }] of implemented.joins)
      if (isInterfaceObject(implemented, subgraph)) {
        key += `|${name}@${subgraph}`;
        for (const field of keyFields) names.add(field);
      }
  }
  // What a field requires is one of the names, too: the loop also visits those that it adds.
  for (const name of names) {
    const field = type.fields.get(name);
    key += `|${name}:${field?.type ?? ''}`;
    for (const join of field?.joins.values() ?? []) {
      key += join.text;
      for (const item of join.requires ?? [])
        if (item.kind === 'field') names.add(item.name);
        else key += type.name;
    }
  }
  return key;
}
