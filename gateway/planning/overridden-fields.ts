import type { Selection } from './selections';
import type { IndexedType, SupergraphIndex } from './supergraph-index';

/**
 * For each field, as `Type.field`, the labels of progressive `@override`s on which a plan for it may depend: its own, and
 * those of the keys and required fields by which it is fetched. Fields without labels are left out.
 */
export function overriddenFields(index: SupergraphIndex): ReadonlyMap<string, readonly string[]> {
  const labels = new Map<string, readonly string[]>();
  for (const type of index.overrideLabels.size === 0 ? [] : index.types.values())
    for (const name of type.fields.keys()) {
      const found = labelsOf(index, type, name);
      if (found.size > 0) labels.set(`${type.name}.${name}`, [...found].sort());
    }
  return labels;
}

function labelsOf({ types }: SupergraphIndex, first: IndexedType, firstField: string): Set<string> {
  const labels = new Set<string>();
  const seen = new Set<object>();
  const addField = (type: IndexedType, name: string): void => {
    const field = type.fields.get(name);
    if (field === undefined || seen.has(field)) return;
    seen.add(field);
    for (const { keys } of type.joins.values()) for (const key of keys) addSelection(type, key.selection);
    for (const { overridden, requires, contextArguments } of field.joins.values()) {
      if (typeof overridden === 'object') labels.add(overridden.label);
      addSelection(type, requires);
      for (const { context, selection } of contextArguments)
        for (const each of types.values()) if (each.contexts.includes(context)) addSelection(each, selection);
    }
    // An interface has the fields of its objects, and an object those of an interface object.
    for (const other of [...type.interfaces, ...type.objects.keys()]) addField(types.get(other)!, name);
  };
  const addSelection = (type: IndexedType | undefined, selection: Selection | undefined): void => {
    for (const item of type === undefined ? [] : (selection ?? [])) {
      const isField = item.kind === 'field';
      if (isField) addField(type!, item.name);
      const below = isField ? type!.fields.get(item.name)?.namedType : (item.on ?? type!.name);
      addSelection(below === undefined ? undefined : types.get(below), item.selection);
    }
  };
  addField(first, firstField);
  return labels;
}
