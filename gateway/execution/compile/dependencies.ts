/**
 * Finds which earlier fetches each fetch of a plan depends on.
 *
 * A plan orders fetches in steps: a fetch waits for all earlier steps, even for answers that it never reads. The
 * compiler knows what a fetch reads: the fields on the path to its objects, the fields that it requires, and the
 * `__typename` of those objects.
 */
import { type ResponsePosition } from './response-position';
import { pathSteps, type ResponsePath } from './paths';
import { type OrderedFetch } from './order';
import { type RequiredSelection } from './plan';

/** For each fetch, the numbers of the fetches that it waits for. `root` knows which fetch answers which field. */
export function dependenciesOf(fetches: readonly OrderedFetch[], root: ResponsePosition): number[][] {
  return fetches.map(({ node, path, before }) => {
    // Fetches before a mutation must not see its effects; fetches after it must.
    if (node.operationKind === 'mutation') return [...before];
    const isAfter = (earlier: number): boolean => fetches[earlier]!.node.operationKind === 'mutation';
    // A context argument may come from any ancestor, so any earlier fetch may answer it.
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

/** Skips fields that the objects always hold: `needPath` has added the fetches that answer the objects. */
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
