/** Matches the items of a list lookup with the keys that were requested. */
import type { ExactJson } from '../../../replay/exact-json';
import { JsonParts } from '../../wire/json-parts';
import { parseExact } from '../arguments';
import type { SourceError } from './answers';
import type { ListLookup } from './compile-entities';
import { jsonOf, nullJson, ObjectPiece } from './pieces';

interface MatchedItem {
  readonly item: Buffer;
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
  lookup: ListLookup,
  keys: readonly string[],
  value: Buffer,
  errors: readonly SourceError[],
): ReadonlyMap<string, MatchedItem> | undefined {
  const parts = new JsonParts(value);
  const items = parts.isList ? parts.list() : [];
  const { members } = lookup;
  const isInOrder = items.length === keys.length;
  if (members === undefined && !isInOrder) return undefined;
  const matched = new Map<string, { item: Buffer; errors: SourceError[] }>();
  const keyOfItem = items.map((item, i) => {
    const [key, rest] = members === undefined ? [keys[i], item] : withoutKey(item, members, lookup);
    if (key !== undefined && !matched.has(key)) matched.set(key, { item: rest, errors: [] });
    return key;
  });
  const missing = keys.filter((key) => !matched.has(key));
  for (const key of missing) matched.set(key, { item: nullJson, errors: [] });
  for (const error of errors) {
    const [i, ...below] = error.path ?? [];
    const path = members?.has(below[0] as string) === true ? [] : below;
    const key = keyOfItem[i as number];
    const byPosition = isInOrder && missing.includes(keys[i as number]!);
    // An item without a key may be any that is missing: none is null without an error.
    for (const each of key !== undefined ? [key] : byPosition ? [keys[i as number]!] : missing)
      matched.get(each)?.errors.push({ ...error, path });
  }
  return matched;
}

/** The key of an item as JSON, undefined where it has none, and its other members. */
function withoutKey(
  item: Buffer,
  members: ReadonlyMap<string, string>,
  { keyOf, isText }: ListLookup,
): readonly [key: string | undefined, rest: Buffer] {
  if (isText && item.toString('latin1', 0, firstKey.length) === firstKey) {
    // As servers write it: the key is the first member.
    const value = new JsonParts(item.subarray(firstKey.length)).value();
    const end = value.byteOffset - item.byteOffset + value.length;
    if (value[0] === quote && item[end] === comma && !value.includes(backslash))
      return [value.toString(), Buffer.concat([openBrace, item.subarray(end + 1)])];
  }
  const parts = new JsonParts(item);
  if (!parts.isObject) return [undefined, item];
  const values: Record<string, ExactJson> = {};
  const rest = new ObjectPiece();
  let [start, end, hasComma] = [1, 1, false];
  parts.object((name) => {
    const value = parts.value();
    const valueEnd = value.byteOffset - item.byteOffset + value.length;
    const field = members.get(name);
    if (field !== undefined) {
      rest.copy(item.subarray(start, end), hasComma);
      [start, hasComma] = [valueEnd, true];
      values[field] = parseExact(value.toString());
    }
    end = valueEnd;
  });
  rest.copy(item.subarray(start, end), hasComma);
  return [keyOf(values), jsonOf(rest)];
}

const firstKey = '{"_k0":';
const openBrace = Buffer.from('{');
const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
