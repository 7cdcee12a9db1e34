import { isDeepStrictEqual } from 'node:util';
import { isMap } from './is-map';

/** The names of the options that differ, such as `limits.depth`, without what they are. A list is one option. */
export function changedOptions(before: unknown, after: unknown, name = ''): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isMap(before) || !isMap(after)) return [name];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return Array.from(keys, (key) =>
    changedOptions(before[key], after[key], name === '' ? key : `${name}.${key}`),
  ).flat();
}
