/** Arguments that a fetch takes from the objects around the one that it is about (`@fromContext`). */
import { type ContextSource, type ContextStep } from '../program';
import { type Place } from './merge';
import { pathSteps, placeAt, type ResponsePath } from './paths';
import { type KeyRenamer } from './plan';
import { typeConditionPrefix } from './rewrites';

/** The variables that a fetch takes from the objects around. */
export const contextVariables = (rewrites: readonly KeyRenamer[] = []): string[] => [
  ...new Set(rewrites.map(({ renameKeyTo }) => renameKeyTo)),
];

/** Where the values of these variables are read: in the same order, for each the alternatives. */
export function compileContexts(
  rewrites: readonly KeyRenamer[],
  root: Place,
  path: ResponsePath,
): ContextSource[][] {
  const keys = pathSteps(path).steps.map(({ key }) => key);
  const names = contextVariables(rewrites);
  const byName: ContextSource[][] = names.map(() => []);
  for (const { path: relative, renameKeyTo } of rewrites) {
    const up = relative.filter((element) => element === '..').length;
    const depth = keys.length - up;
    const place = depth < 0 ? undefined : placeAt(root, keys.slice(0, depth));
    const steps = place && compileSteps(place, relative.slice(up));
    if (steps === undefined) continue;
    byName[names.indexOf(renameKeyTo)]!.push({ depth, steps });
  }
  return byName;
}

function compileSteps(from: Place, path: readonly string[]): ContextStep[] | undefined {
  const steps: ContextStep[] = [];
  let place: Place | undefined = from;
  let types: Uint8Array | undefined;
  for (const element of path) {
    if (place === undefined) return undefined;
    if (element.startsWith(typeConditionPrefix)) {
      types = place.types.matching(element.slice(typeConditionPrefix.length));
      continue;
    }
    const access = place.access(element);
    if (access === undefined) return undefined;
    steps.push({ types, typed: place.typeSource(), access });
    types = undefined;
    place = place.fields.get(element)?.child;
  }
  return steps;
}
