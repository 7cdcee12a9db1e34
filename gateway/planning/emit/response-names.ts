/** Gives response names of an operation aliases where fields of different types could not be merged. */
import { type KeyRenamer } from '../../execution/compile/plan';
import { groupsBy, remembered } from '../maps';
import { type FieldDraft, type SelectionDraft } from './drafts';

/**
 * Fields with one response name must have types of one shape, on whatever types of objects they are requested (GraphQL, section
 * 5.3.2, "Field Selection Merging"). The client's may differ: the supergraph's types can be wider than a subgraph's.
 *
 * @returns what restores the names in the answer
 */
export function separateNames(selections: readonly SelectionDraft[]): KeyRenamer[] {
  const rewrites: KeyRenamer[] = [];
  const addBelow = (name: string, below: readonly SelectionDraft[]): void => {
    for (const rewrite of separateNames(below)) rewrites.push({ ...rewrite, path: [name, ...rewrite.path] });
  };
  if (selections.length === 1 && hasNamesOnce(selections[0]!)) {
    for (const { responseName, selection } of selections[0]!.fields.values())
      if (selection !== undefined) addBelow(responseName, [selection]);
    return rewrites;
  }
  const byName = new Map<string, FieldDraft[]>();
  for (const selection of selections) addFields(selection, byName);
  for (const [responseName, fields] of byName) {
    let name = responseName;
    for (const alike of fields.length === 1 ? [fields] : groupsBy(fields, shapeOf)) {
      if (alike[0] !== fields[0]) {
        for (let i = 1; byName.has(name); i++) name = `${responseName}__${i}`;
        byName.set(name, []);
        for (const field of alike) field.responseName = name;
        rewrites.push({ kind: 'KeyRenamer', path: [name], renameKeyTo: responseName });
      }
      const below = alike.flatMap(({ selection }) => selection ?? []);
      if (below.length > 0) addBelow(name, below);
    }
  }
  return rewrites;
}

/** Whether no two fields can have one name: only their conditions and directives can differ then, or the types they are for. */
function hasNamesOnce({ fields, fragments }: SelectionDraft): boolean {
  if (fragments.size > 0) return false;
  for (const { directives, when } of fields.values())
    if (directives.length > 0 || when.length > 0) return false;
  return true;
}

function addFields({ fields, fragments }: SelectionDraft, byName: Map<string, FieldDraft[]>): void {
  for (const field of fields.values()) remembered(byName, field.responseName, () => []).push(field);
  for (const fragment of fragments.values()) addFields(fragment, byName);
}

/** Leaves must have equal types; objects merge whatever their types are, if lists and nulls agree. */
const shapeOf = ({ selection, type }: FieldDraft): string =>
  selection === undefined ? type : type.replace(/\w+/, '{}');
