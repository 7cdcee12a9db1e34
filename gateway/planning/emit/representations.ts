/** The representations of an entity fetch: what of an object its subgraph is sent. */
import { type RequiredSelection } from '../../execution/compile/plan';
import { typeConditionPrefix } from '../../execution/compile/rewrites';
import { mapIn, remembered } from '../maps';
import { type Visit } from '../search/plans';
import { type Search } from '../search/search';
import { argumentsIn } from '../search/visits';
import { conditionsKey, type Selection, type SelectionItem } from '../selections';
import { type IndexedType } from '../supergraph-index';
import { type FetchDraft, type RequiredDrafts } from './drafts';
import { type Position } from './positions';

/** Adds what a visit sends of objects of these types, which behave like `type`. */
export function addRepresentation(
  { flattening, index, steps }: Search,
  fetch: FetchDraft,
  { as, representation }: Visit,
  type: IndexedType,
  types: readonly string[],
): void {
  steps.take(types.length * representation.length);
  for (const name of types) {
    const of = name === type.name ? type : index.types.get(name)!;
    const fields = flattening.fieldsOf(representation, name);
    add(mapIn(fetch.requires, name), fields, of, fetch.position, [typeConditionPrefix + name]);
    if (representation.some((item) => item.kind === 'field' && item.name === '__typename'))
      fetch.typeKeys.add(name);
    if (as === type && type.kind === 'object') continue;
    const path = [typeConditionPrefix + name, '__typename'];
    fetch.inputRewrites.set(path.join('|'), { kind: 'ValueSetter', path, setValueTo: as.name });
  }

  /** @param path the rewrites' path of the object */
  function add(
    drafts: RequiredDrafts,
    selection: Selection,
    of: IndexedType | undefined,
    at: Position,
    path: readonly string[],
  ): void {
    for (const item of selection) {
      if (item.kind === 'fragment') {
        const on = item.on === undefined ? of : index.types.get(item.on);
        const id = `... ${item.on ?? ''}`;
        const node: RequiredSelection = { kind: 'InlineFragment', typeCondition: item.on, selections: [] };
        add(selectionsIn(drafts, id, node), item.selection, on, at, path);
        continue;
      }
      // Of the object itself it is there already.
      if (item.name === '__typename' && path.length === 1) continue;
      const responseName = at.nameOf(item);
      const alias = responseName === item.name ? {} : { alias: responseName };
      const node: RequiredSelection = { kind: 'Field', name: item.name, ...alias };
      const here = [...path, responseName];
      if (responseName !== item.name)
        fetch.inputRewrites.set(here.join('|'), { kind: 'KeyRenamer', path: here, renameKeyTo: item.name });
      const selections = selectionsIn(drafts, responseName, node);
      if (item.selection === undefined) continue;
      const below = index.types.get(of?.fields.get(item.name)?.namedType ?? '');
      add(selections, item.selection, below, at.below(responseName), here);
    }
  }
}

const selectionsIn = (drafts: RequiredDrafts, id: string, node: RequiredSelection): RequiredDrafts =>
  remembered(drafts, id, () => ({ node, selections: new Map() })).selections;

export const requiredSelections = (drafts: RequiredDrafts): RequiredSelection[] =>
  [...drafts.values()].map(({ node, selections }) =>
    selections.size === 0 ? node : { ...node, selections: requiredSelections(selections) },
  );

/**
 * Visits with different texts are fetches of their own. By an interface object each would need what only one has; required
 * fields with different arguments have one name in representations; and of required fields of some types nobody sees which
 * the conditions of another visit leave out.
 */
export function needsOf({ answers, as, key, representation }: Visit, type: IndexedType, ids: Ids): string {
  if (key === undefined || as === type) {
    const typed = representation.filter(hasFragments);
    return argumentsIn(representation) + (typed.length === 0 ? '' : `{${idOf(typed, ids)}`);
  }
  const requested = answers.map(({ item }) => (item.kind === 'bundle' ? item.selection : [item]));
  return `{${[representation, ...requested].map((each) => idOf(each, ids)).join()}`;
}

const hasFragments = ({ kind, selection = [] }: SelectionItem): boolean =>
  kind === 'fragment' || selection.some(hasFragments);

/** Those of selections: by selection, and by what it selects as text. */
export type Ids = Map<Selection | string, number>;

/** Equal selections have one id. Each is read once: fragments that spread each other have exponentially many. */
const idOf = (selection: Selection, ids: Ids): number =>
  remembered(ids, selection, () => {
    let text = '';
    for (const item of selection) {
      text += item.kind === 'fragment' ? `...${item.on ?? ''}` : `${item.responseName}:${item.signature}`;
      text += conditionsKey(item.when);
      text += item.selection === undefined ? ' ' : `{${idOf(item.selection, ids)}}`;
    }
    return remembered(ids, text, () => ids.size);
  });
