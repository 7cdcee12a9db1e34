/** Arguments whose values come from ancestors of the fetched objects (`@fromContext`). */
import { type ContextSource, type ContextStep } from '../program';
import { type ResponsePosition } from './response-position';
import { pathSteps, positionAt, type ResponsePath } from './paths';
import { type KeyRenamer } from './plan';
import { typeConditionPrefix } from './rewrites';

/** The names of a fetch's variables whose values come from ancestors. */
export const contextVariables = (rewrites: readonly KeyRenamer[] = []): string[] => [
  ...new Set(rewrites.map(({ renameKeyTo }) => renameKeyTo)),
];

/** For each of these variables, in the same order, where its value may be read from. */
export function compileContexts(
  rewrites: readonly KeyRenamer[],
  root: ResponsePosition,
  path: ResponsePath,
): ContextSource[][] {
  const keys = pathSteps(path).steps.map(({ key }) => key);
  const names = contextVariables(rewrites);
  const byName: ContextSource[][] = names.map(() => []);
  for (const { path: relative, renameKeyTo } of rewrites) {
    const up = relative.filter((element) => element === '..').length;
    const depth = keys.length - up;
    const position = depth < 0 ? undefined : positionAt(root, keys.slice(0, depth));
    const steps = position && compileSteps(position, relative.slice(up));
    if (steps === undefined) continue;
    byName[names.indexOf(renameKeyTo)]!.push({ depth, steps });
  }
  return byName;
}

function compileSteps(from: ResponsePosition, path: readonly string[]): ContextStep[] | undefined {
  const steps: ContextStep[] = [];
  let position: ResponsePosition | undefined = from;
  let types: Uint8Array | undefined;
  for (const element of path) {
    if (position === undefined) return undefined;
    if (element.startsWith(typeConditionPrefix)) {
      types = position.types.matching(element.slice(typeConditionPrefix.length));
      continue;
    }
    const access = position.access(element);
    if (access === undefined) return undefined;
    steps.push({ types, typed: position.typeSource(), access });
    types = undefined;
    position = position.fields.get(element)?.child;
  }
  return steps;
}
