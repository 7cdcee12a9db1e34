/** The objects around a position that set contexts, and the variables of fetches that take their values from them. */
import { type KeyRenamer } from '../../execution/compile/plan';
import { typeConditionPrefix } from '../../execution/compile/rewrites';
import { remembered } from '../maps';
import { type Search } from '../search/search';
import { type Selection } from '../selections/selection';
import { type ContextArgument, type IndexedType } from '../supergraph-index/supergraph-index';
import { type FetchDraft } from './drafts';
import { type Position } from './positions';

/** Objects that set a context. */
interface Setter {
  readonly types: readonly string[];
  readonly position: Position;
}

export class Contexts {
  static readonly none = new Contexts(new Map());

  private constructor(readonly setters: ReadonlyMap<string, Setter>) {}

  /** Those of what is below objects of these types: the nearest object that sets a context counts. */
  at(type: IndexedType, types: readonly string[], position: Position): Contexts {
    if (type.contexts.length === 0) return this;
    const setters = new Map(this.setters);
    for (const context of type.contexts) setters.set(context, { types, position });
    return new Contexts(setters);
  }

  /** The name of the variable by which a fetch sends an argument. */
  variableFor(
    search: Search,
    fetch: FetchDraft,
    { context, name, selection, type }: ContextArgument,
  ): string {
    const setter = this.setters.get(context);
    const levels = setter === undefined ? 0 : fetch.position.keys.length - setter.position.keys.length;
    const id = `${context}|${name}|${type}|${levels}`;
    const variable = remembered(fetch.contexts, id, () => {
      const number = `${fetch.subgraph}_${fetch.contexts.size}`;
      return { name: `contextualArgument_${number}`, type, rewrites: new Map<string, KeyRenamer>() };
    });
    for (const of of setter?.types ?? []) {
      const path = [...Array<string>(levels).fill('..'), ...pathTo(search, selection, of, setter!.position)];
      const rewrite: KeyRenamer = { kind: 'KeyRenamer', path, renameKeyTo: variable.name };
      variable.rewrites.set(path.join('.'), rewrite);
    }
    return variable.name;
  }
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
