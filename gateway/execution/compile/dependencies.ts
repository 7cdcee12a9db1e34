/**
 * What each fetch of a plan has to wait for.
 *
 * A plan says in steps in which order fetches run: a fetch waits for all of the steps before it, also for those whose
 * answers it never looks at. What it does look at is known when an operation is compiled: the fields that lead to its
 * objects, those that it requires of them, and what says of which type they are.
 */
import { type ResponsePosition } from './merge';
import { pathSteps, type ResponsePath } from './paths';
import { type OrderedFetch } from './order';
import { type RequiredSelection } from './plan';

/** The numbers of the fetches that each has to wait for; `root` knows who answers what. */
export function dependenciesOf(fetches: readonly OrderedFetch[], root: ResponsePosition): number[][] {
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
  root: ResponsePosition,
  path: ResponsePath,
  requires: readonly RequiredSelection[] | undefined,
  needed: Set<number>,
): void {
  const { steps, last } = pathSteps(path);
  let position: ResponsePosition | undefined = root;
  for (const { key, types } of steps) {
    if (types !== undefined) needType(position, needed);
    needAnswers(position, key, needed);
    position = position?.fields.get(key)?.child;
  }
  if (last !== undefined) needType(position, needed);
  if (requires !== undefined) needSelections(position, requires, needed);
}

/** Whoever makes the objects is needed for the path; what these are sure to hold is not waited for again. */
function needSelections(
  position: ResponsePosition | undefined,
  selections: readonly RequiredSelection[],
  needed: Set<number>,
): void {
  needType(position, needed);
  for (const selection of selections) {
    if (selection.kind === 'InlineFragment') needSelections(position, selection.selections, needed);
    else {
      const key = selection.alias ?? selection.name;
      if (selection.name !== '__typename' && position?.isSure(key) !== true)
        needAnswers(position, key, needed);
      if (selection.selections !== undefined)
        needSelections(position?.fields.get(key)?.child, selection.selections, needed);
    }
  }
}

function needAnswers(position: ResponsePosition | undefined, key: string, needed: Set<number>): void {
  for (const fetch of position?.fields.get(key)?.answeredBy ?? []) needed.add(fetch);
}

function needType(position: ResponsePosition | undefined, needed: Set<number>): void {
  if (position === undefined || position.isSure('__typename')) return;
  for (const fetch of position.typedBy) needed.add(fetch);
}
