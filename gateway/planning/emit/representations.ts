/** The representations of an entity fetch: what of an object its subgraph is sent. */
import { type RequiredSelection } from '../../execution/compile/plan';
import { typeConditionPrefix } from '../../execution/compile/rewrites';
import { mapIn, remembered } from '../maps';
import { type Visit } from '../search/plans';
import { type Search } from '../search/search';
import { argumentsIn } from '../search/visits';
import { conditionsKey, type Selection } from '../selections/selection';
import { type IndexedType } from '../supergraph-index/supergraph-index';
import { type FetchDraft, type RequiredDraft, type RequiredDrafts } from './drafts';
import { type Position } from './positions';

/** Adds what a visit sends of objects of these types, which behave like `type`. */
export function addRepresentation(
  search: Search,
  fetch: FetchDraft,
  { as, representation }: Visit,
  type: IndexedType,
  types: readonly string[],
  position: Position,
): void {
  for (const name of types) {
    const drafts = mapIn(fetch.requires, name);
    const of = name === type.name ? type : search.index.types.get(name)!;
    const fields = search.flattening.fieldsOf(representation, name);
    new Requirements(search, fetch).add(drafts, fields, of, position, [typeConditionPrefix + name]);
    if (representation.some((item) => item.kind === 'field' && item.name === '__typename'))
      fetch.typeKeys.add(name);
    if (as === type && type.kind === 'object') continue;
    const path = [typeConditionPrefix + name, '__typename'];
    fetch.inputRewrites.set(path.join('|'), { kind: 'ValueSetter', path, setValueTo: as.name });
  }
}

class Requirements {
  readonly #search: Search;
  readonly #fetch: FetchDraft;

  constructor(search: Search, fetch: FetchDraft) {
    this.#search = search;
    this.#fetch = fetch;
  }

  /** @param path the rewrites' path of the object */
  add(
    drafts: RequiredDrafts,
    selection: Selection,
    type: IndexedType | undefined,
    position: Position,
    path: readonly string[],
  ): void {
    for (const item of selection) {
      if (item.kind === 'fragment') {
        const on = item.on === undefined ? type : this.#search.index.types.get(item.on);
        const id = `... ${item.on ?? ''}`;
        const node: RequiredSelection = { kind: 'InlineFragment', typeCondition: item.on, selections: [] };
        this.add(draftIn(drafts, id, node, true).selections!, item.selection, on, position, path);
        continue;
      }
      // Of the object itself it is there already.
      if (item.name === '__typename' && path.length === 1) continue;
      const responseName = position.nameOf(item);
      const alias = responseName === item.name ? {} : { alias: responseName };
      const node: RequiredSelection = { kind: 'Field', name: item.name, ...alias };
      const here = [...path, responseName];
      if (responseName !== item.name)
        this.#fetch.inputRewrites.set(here.join('|'), {
          ...{ kind: 'KeyRenamer', path: here, renameKeyTo: item.name },
        });
      const draft = draftIn(drafts, responseName, node, item.selection !== undefined);
      if (item.selection === undefined) continue;
      const below = this.#search.index.types.get(type?.fields.get(item.name)?.namedType ?? '');
      this.add(draft.selections!, item.selection, below, position.below(responseName), here);
    }
  }
}

function draftIn(
  drafts: RequiredDrafts,
  id: string,
  node: RequiredSelection,
  hasFields: boolean,
): RequiredDraft {
  return remembered(drafts, id, () => ({ node, selections: hasFields ? new Map() : undefined }));
}

export const requiredSelections = (drafts: RequiredDrafts): RequiredSelection[] =>
  [...drafts.values()].map(({ node, selections }) =>
    selections === undefined ? node : { ...node, selections: requiredSelections(selections) },
  );

/**
 * Visits with different texts are fetches of their own. By an interface object each would need what only one has; required
 * fields with different arguments have one name in representations; and of required fields of some types nobody sees which
 * the conditions of another visit leave out.
 */
export function needsOf({ answers, as, key, representation }: Visit, type: IndexedType): string {
  if (key === undefined || as === type) return argumentsIn(representation) + fragmentsIn(representation);
  const requested = answers.map(({ item }) => textOf(item.kind === 'bundle' ? item.selection : [item]));
  return requested.join() + textOf(representation);
}

/** The fields of a selection that have fields of some types, as text. */
function fragmentsIn(selection: Selection): string {
  const hasFragments = (items: Selection): boolean =>
    items.some(
      ({ kind, selection: below }) => kind === 'fragment' || (below !== undefined && hasFragments(below)),
    );
  const typed = selection.filter((item) => hasFragments([item]));
  return typed.length === 0 ? '' : textOf(typed);
}

function textOf(selection: Selection): string {
  let text = '{';
  for (const item of selection) {
    text += item.kind === 'fragment' ? `...${item.on ?? ''}` : `${item.responseName}:${item.signature}`;
    text += conditionsKey(item.when);
    text += item.selection === undefined ? ' ' : textOf(item.selection);
  }
  return `${text}}`;
}
