/** Gives response names of an operation aliases where fields of different types could not be merged. */
import { type KeyRenamer } from '../../execution/compile/plan';
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type Steps } from '../budget';
import { groupsBy, remembered } from '../maps';
import { type FieldDraft, type SelectionDraft } from './drafts';

/**
 * Fields with one response name must have types of one shape, on whatever types of objects they are requested (GraphQL, section
 * 5.3.2, "Field Selection Merging"). The client's may differ: the supergraph's types can be wider than a subgraph's.
 *
 * @returns what restores the names in the answer
 */
export function* separateNames(drafts: readonly SelectionDraft[], steps: Steps): SlicedWork<KeyRenamer[]> {
  if (steps.isSliceOver) yield;
  const byName = new Map<string, FieldDraft[]>();
  for (const draft of drafts) addFields(draft, byName);
  const rewrites: KeyRenamer[] = [];
  for (const [responseName, fields] of byName) {
    let name = responseName;
    const groups = fields.length === 1 ? [fields] : groupsBy(fields, shapeOf);
    for (const alike of groups) {
      if (alike[0] !== fields[0]) {
        for (let i = 1; byName.has(name); i++) name = `${responseName}__${i}`;
        byName.set(name, []);
        for (const field of alike) field.responseName = name;
        rewrites.push({ kind: 'KeyRenamer', path: [name], renameKeyTo: responseName });
      }
      if (alike.every(({ selection }) => selection === undefined)) continue;
      const below = alike.flatMap(({ selection }) => selection ?? []);
      for (const rewrite of yield* separateNames(below, steps))
        rewrites.push({ ...rewrite, path: [name, ...rewrite.path] });
    }
  }
  return rewrites;
}

function addFields({ fields, fragments }: SelectionDraft, byName: Map<string, FieldDraft[]>): void {
  for (const field of fields.values()) remembered(byName, field.responseName, () => []).push(field);
  for (const fragment of fragments.values()) addFields(fragment, byName);
}

/** Leaves must have equal types; objects merge whatever their types are, if lists and nulls agree. */
const shapeOf = ({ selection, type }: FieldDraft): string =>
  selection === undefined ? type : type.replace(/\w+/, '{}');
