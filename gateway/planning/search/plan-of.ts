/** Solves a problem of the search, by what its objects are. */
import { type SelectionItem, unconditional } from '../selections/selection';
import { isInterfaceObject } from '../supergraph-index/supergraph-index';
import { Hub } from './hub';
import { type ObjectItem, type ObjectPlan, type Plan } from './plans';
import { type Problem, type Search } from './search';
import { solveAbstract } from './solve-abstract';
import { solveObject } from './solve-object';

export function planOf(search: Search, problem: Problem): Plan {
  const { type, selection, sources } = problem;
  if (type.kind === 'object')
    return solveObject(new Hub(search, type, sources), search.flattening.fieldsOf(selection, type.name));
  const others = sources.list.filter(({ subgraph }) => !isInterfaceObject(type, subgraph));
  if (others.length === 0) return solveInterfaceObject(search, problem);
  const isAll = others.length === sources.list.length;
  return solveAbstract(
    search,
    type,
    selection,
    isAll ? sources : search.sources.of(others, sources.contexts),
  );
}

/**
 * Objects of an interface that all sources know as if it were one object type: what depends on their types is requested,
 * in one piece, from a subgraph that distinguishes them.
 */
function solveInterfaceObject(search: Search, { type, selection, sources }: Problem): ObjectPlan {
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
