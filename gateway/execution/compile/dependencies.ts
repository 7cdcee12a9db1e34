/**
 * What each fetch of a plan has to wait for.
 *
 * A plan says in steps in which order fetches run: a fetch waits for all of the steps before it, also for those whose
 * answers it never looks at. What it does look at is known when an operation is compiled: the fields that lead to its
 * objects, those that it requires of them, and what says of which type they are.
 */
import { type Place } from './merge';
import { pathSteps, type ResponsePath } from './paths';
import { type OrderedFetch } from './order';
import { type RequiredSelection } from './plan';

/** The numbers of the fetches that each has to wait for; `root` knows who answers what. */
export function dependenciesOf(fetches: readonly OrderedFetch[], root: Place): number[][] {
  return fetches.map(({ node, path, before }) => {
    // What comes before a mutation must not see what it does, what comes after it must.
    if (node.operationKind === 'mutation') return [...before];
    const isAfter = (earlier: number): boolean => fetches[earlier]!.node.operationKind === 'mutation';
    // Where arguments come from objects around, those may be anywhere.
    if (node.contextRewrites !== undefined) return [...before];
    const needed = new Set<number>();
    needPath(root, path, node.requires, needed);
    return before.filter((earlier) => needed.has(earlier) || isAfter(earlier));
  });
}

function needPath(
  root: Place,
  path: ResponsePath,
  requires: readonly RequiredSelection[] | undefined,
  needed: Set<number>,
): void {
  const { steps, last } = pathSteps(path);
  let place: Place | undefined = root;
  for (const { key, types } of steps) {
    if (types !== undefined) needType(place, needed);
    needAnswers(place, key, needed);
    place = place?.fields.get(key)?.child;
  }
  if (last !== undefined) needType(place, needed);
  if (requires !== undefined) needSelections(place, requires, needed);
}

/** Whoever makes the objects is needed for the path; what these are sure to hold is not waited for again. */
function needSelections(
  place: Place | undefined,
  selections: readonly RequiredSelection[],
  needed: Set<number>,
): void {
  needType(place, needed);
  for (const selection of selections) {
    if (selection.kind === 'InlineFragment') needSelections(place, selection.selections, needed);
    else {
      const key = selection.alias ?? selection.name;
      if (selection.name !== '__typename' && place?.isSure(key) !== true) needAnswers(place, key, needed);
      if (selection.selections !== undefined)
        needSelections(place?.fields.get(key)?.child, selection.selections, needed);
    }
  }
}

function needAnswers(place: Place | undefined, key: string, needed: Set<number>): void {
  for (const fetch of place?.fields.get(key)?.answeredBy ?? []) needed.add(fetch);
}

function needType(place: Place | undefined, needed: Set<number>): void {
  if (place === undefined || place.isSure('__typename')) return;
  for (const fetch of place.typedBy) needed.add(fetch);
}
