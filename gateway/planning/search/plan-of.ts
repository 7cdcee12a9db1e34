/** Solves a problem of the search, by what its objects are. */
import { isInterfaceObject } from '../supergraph-index/supergraph-index';
import { Hub } from './hub';
import { solveInterfaceObject } from './interface-object';
import { type Plan } from './plans';
import { type Problem, type Search } from './search';
import { solveAbstract } from './solve-abstract';
import { solveObject } from './solve-object';

export function planOf(search: Search, { type, selection, sources }: Problem): Plan {
  if (type.kind === 'object')
    return solveObject(new Hub(search, type, sources), search.flattening.fieldsOf(selection, type.name));
  const others = sources.list.filter(({ subgraph }) => !isInterfaceObject(type, subgraph));
  if (others.length === 0) return solveInterfaceObject(search, type, selection, sources);
  const isAll = others.length === sources.list.length;
  return solveAbstract(
    search,
    type,
    selection,
    isAll ? sources : search.sources.of(others, sources.contexts),
  );
}
