/** The objects around a position that set contexts, and the variables of fetches that take their values from them. */
import { type KeyRenamer } from '../../execution/compile/plan';
import { typeConditionPrefix } from '../../execution/compile/rewrites';
import { remembered } from '../maps';
import { type Search } from '../search/search';
import { type Selection } from '../selections';
import { type ContextArgument, type IndexedType } from '../supergraph-index';
import { type FetchDraft } from './drafts';
import { type Position } from './positions';

/** By context, the nearest objects that set it. */
export type Contexts = ReadonlyMap<
  string,
  { readonly types: readonly string[]; readonly position: Position }
>;

/** The contexts of what is below objects of these types. */
export function contextsBelow(
  around: Contexts,
  type: IndexedType,
  types: readonly string[],
  position: Position,
): Contexts {
  if (type.contexts.length === 0) return around;
  const below = new Map(around);
  for (const context of type.contexts) below.set(context, { types, position });
  return below;
}

/** The name of the variable by which a fetch sends an argument. */
export function variableFor(
  { context, name, selection, text, type }: ContextArgument,
  contexts: Contexts,
  search: Search,
  fetch: FetchDraft,
): string {
  const { position, types } = contexts.get(context)!;
  const levels = fetch.position.depth - position.depth;
  const variable = remembered(fetch.contexts, `${context}|${name}|${type}|${levels}|${text}`, () => {
    const number = `${fetch.subgraph}_${fetch.contexts.size}`;
    return { name: `contextualArgument_${number}`, type, rewrites: new Map<string, KeyRenamer>() };
  });
  for (const of of types) {
    const path = [...Array<string>(levels).fill('..'), ...pathTo(search, selection, of, position)];
    const rewrite: KeyRenamer = { kind: 'KeyRenamer', path, renameKeyTo: variable.name };
    variable.rewrites.set(path.join('.'), rewrite);
  }
  return variable.name;
}

/** The way to the value that a selection of one field names. */
function pathTo(search: Search, selection: Selection, type: string, position: Position): string[] {
  const path = [typeConditionPrefix + type];
  const [field] = search.flattening.fieldsOf(selection, type);
  if (field === undefined) return path;
  const responseName = position.nameOf(field);
  path.push(responseName);
  if (field.selection === undefined) return path;
  const below = search.index.types.get(type)!.fields.get(field.name)!.namedType;
  return [...path, ...pathTo(search, field.selection, below, position.below(responseName))];
}
