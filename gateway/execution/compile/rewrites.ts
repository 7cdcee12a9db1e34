import { type Rewrite } from './plan';

/**
 * The name in the merged response of the field at `path` of a fetch's answer.
 *
 * The planner aliases fields whose types do not merge. Its aliases are unique among the fields of an object, so the
 * type conditions in a rewrite's path add nothing.
 */
export function renamedKey(rewrites: readonly Rewrite[] | undefined, path: readonly string[]): string {
  for (const rewrite of rewrites ?? []) {
    if (rewrite.kind !== 'KeyRenamer') continue;
    const keys = rewrite.path.filter((element) => !element.startsWith(typeConditionPrefix));
    if (keys.length === path.length && keys.every((key, i) => key === path[i])) return rewrite.renameKeyTo;
  }
  return path.at(-1)!;
}

export const typeConditionPrefix = '... on ';
