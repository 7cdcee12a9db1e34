/** Matches the items of a list lookup with the keys that were requested. */
import { type ExactJson, type ExactObject, typeOf } from '../../../replay/exact-json';
import type { SourceError } from './answers';
import { identityOf, type ListLookup } from './entity-selection';

interface MatchedItem {
  readonly item: ExactJson;
  readonly errors: readonly SourceError[];
}

/**
 * The item of each key. Those of no key are left out, and of several with one key the first one counts. A key without an
 * item is null, as an unknown entity is.
 *
 * @param errors their paths begin with the index of an item
 * @returns undefined where items without keys are not as many as the keys
 */
export function matchItems(
  { members, keyOf }: ListLookup,
  keys: readonly string[],
  value: ExactJson,
  errors: readonly SourceError[],
): ReadonlyMap<string, MatchedItem> | undefined {
  const items: readonly ExactJson[] = Array.isArray(value) ? value : [];
  const isInOrder = items.length === keys.length;
  if (members === undefined && !isInOrder) return undefined;
  const keyOfItem = (item: ExactJson, i: number): string | undefined => {
    if (members === undefined) return keys[i];
    if (typeOf(item) !== 'object') return undefined;
    const values = Object.fromEntries(
      members.map(([alias, name]) => [name, (item as ExactObject)[alias] ?? null]),
    );
    const key = keyOf(values) ?? null;
    return key === null ? undefined : identityOf(key);
  };
  const matched = new Map<string, { item: ExactJson; errors: SourceError[] }>();
  const found = items.map((item, i) => {
    const key = keyOfItem(item, i);
    if (key !== undefined && !matched.has(key)) matched.set(key, { item, errors: [] });
    return key;
  });
  const missing = keys.filter((key) => !matched.has(key));
  for (const key of missing) matched.set(key, { item: null, errors: [] });
  for (const error of errors) {
    const [i, ...path] = error.path ?? [];
    const key = found[i as number];
    const byPosition = isInOrder && missing.includes(keys[i as number]!);
    // An item without a key may be any that is missing: none is null without an error.
    for (const each of key !== undefined ? [key] : byPosition ? [keys[i as number]!] : missing)
      matched.get(each)?.errors.push({ ...error, path });
  }
  return matched;
}
