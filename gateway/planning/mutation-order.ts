/** The order in which the root fields of a mutation run, whatever their conditions. */
import { remembered } from './maps';
import {
  allOf,
  type Conditions,
  conditionsKey,
  contradicts,
  type SelectedField,
} from './selections/selection';

/**
 * The root fields in the order of their occurrences; those of one response name that run together are one field.
 *
 * A field with several occurrences runs where the first of them is that the conditions include, with the selections of all
 * (GraphQL, section 6.3.2, "Field Collection"). So it stands at each occurrence, under the condition that those
 * before are left out.
 */
export function inOrderOfOccurrence(fields: readonly SelectedField[]): readonly SelectedField[][] {
  const byName = new Map<string, SelectedField[]>();
  for (const field of fields) remembered(byName, field.responseName, () => []).push(field);
  const occurrences: SelectedField[][] = [];
  for (const field of fields) {
    const same = byName.get(field.responseName)!;
    const before = same.slice(0, same.indexOf(field));
    const here = guards(field, before).flatMap((guard) =>
      same.flatMap((one): SelectedField[] => {
        const when = allOf(guard, one.when);
        return contradicts(when) ? [] : [{ ...one, when }];
      }),
    );
    if (here.length > 0) occurrences.push(withoutRepeated(here));
  }
  return occurrences;
}

/** The ways in which a field is included and all before it are not. */
function guards({ when }: SelectedField, before: readonly SelectedField[]): readonly Conditions[] {
  let ways: readonly Conditions[] = [when];
  for (const { when: excluded } of before)
    ways = ways.flatMap((way) =>
      negationsOf(excluded)
        .map((negation) => allOf(way, negation))
        .filter((one) => !contradicts(one)),
    );
  return ways;
}

/** The ways in which not all conditions hold: the first that does not is the first, or the second, and so on. */
const negationsOf = (when: Conditions): readonly Conditions[] =>
  when.map(({ variable, value }, i) => allOf(when.slice(0, i), [{ variable, value: !value }]));

function withoutRepeated(fields: readonly SelectedField[]): SelectedField[] {
  const seen = new Map<string, SelectedField>();
  for (const field of fields) {
    const key = conditionsKey(field.when);
    const known = seen.get(key);
    if (known === undefined) seen.set(key, field);
    else if (known.selection !== undefined && field.selection !== known.selection)
      seen.set(key, { ...known, selection: [...known.selection, ...field.selection!] });
  }
  return [...seen.values()];
}
