/** Objects of an interface that all sources know as if it were one object type. */
import { unconditional } from '../selections/selection';
import { type IndexedType } from '../supergraph-index/supergraph-index';
import { type Selection, type SelectionItem } from '../selections/selection';
import { Hub } from './hub';
import { type ObjectItem, type ObjectPlan } from './plans';
import { type Search } from './search';
import { solveObject } from './solve-object';
import { type Sources } from './sources';

/** What depends on the types of the objects is asked, in one piece, of a subgraph that tells them apart. */
export function solveInterfaceObject(
  search: Search,
  type: IndexedType,
  selection: Selection,
  sources: Sources,
): ObjectPlan {
  const hub = new Hub(search, type, sources);
  const { common, typed } = search.flattening.viewOf(selection, type);
  const items: ObjectItem[] = [];
  const byType: SelectionItem[] = [];
  for (const field of common)
    if (field.name === '__typename' || hub.optionsFor(field).length === 0) byType.push(field);
    else items.push(field);
  byType.push(...typed);
  if (byType.length > 0)
    items.push({ kind: 'bundle', when: unconditional, selection: search.flattening.listOf(byType) });
  return solveObject(hub, items);
}
