/**
 * Options that protect: those whose absence lets more in. They are marked by `.meta({ protects: … })` where they are
 * defined. A reload must not lose one because the file was half-written: it stays, or is switched off by name.
 */
import { z } from 'zod';
import { isMap } from './is-map';
import { type Way, waysInside, waysOf } from './ways';

/** How an option protects. `protects: true` is short for `{}`: by being there, whatever its value is. */
export interface OptionProtection {
  /** The only values with which it protects. @default all */
  readonly values?: readonly (string | boolean)[];
  /** The option beside it that may replace it. @default none */
  readonly or?: string;
  /** Whether an empty list lets in less than no list. @default an empty list counts as left out */
  readonly mayBeEmpty?: true;
  /** Whether everything inside of it protects, too. @default only what is marked itself */
  readonly deep?: true;
  /** The members by which an item of the list is known; none: an item is text. @default items are not compared */
  readonly items?: readonly string[];
  /** Whether to leave an item out lets in less, such as an API key. @default each item protects */
  readonly mayGo?: true;
}

export const protectionOf = (ways: readonly Way[]): OptionProtection | undefined =>
  ways.find(({ protection }) => protection !== undefined)?.protection;

/**
 * Whether an option that protects, or a group of such options, is switched off: by `null`, or by `off` where that is not
 * a value of its own, as it is for text. For true and false, `off` could mean either.
 */
export function isOff(value: unknown, ways: readonly Way[]): boolean {
  if (value !== null && (value !== 'off' || ways.some(takesTheWordOff))) return false;
  return holdsProtection(ways);
}

const takesTheWordOff = ({ schema }: Way): boolean =>
  schema._zod.def.type === 'boolean' || z.safeParse(schema, 'off').success;

function holdsProtection(ways: readonly Way[]): boolean {
  return ways.some((way) => way.protection !== undefined || membersOf(way).some(holdsProtection));
}

function membersOf({ schema }: Way): Way[][] {
  const { def } = schema._zod;
  if (def.type === 'object') return Object.values(def.shape).map((member) => waysOf(member));
  if (def.type === 'record') return [waysOf(def.valueType)];
  return def.type === 'array' ? [waysOf(def.element)] : [];
}

/** What an item of a list that is switched off is known by: `- off: NAME`. Undefined for any other item. */
export function offItem(item: unknown): unknown {
  return isMap(item) && Object.keys(item).length === 1 ? item['off'] : undefined;
}

/**
 * The options as if what is switched off were not written.
 *
 * @param isBlank whether nothing is written at a path: `auth:` alone switches nothing off, as more may follow
 */
export function withoutSwitchedOff(
  input: unknown,
  schema: z.ZodType,
  isBlank: (path: readonly PropertyKey[]) => boolean,
): unknown {
  return mayBeSwitchedOff(input) ? strip(input, waysOf(schema), isBlank, []) : input;
}

function mayBeSwitchedOff(value: unknown): boolean {
  if (value === null || value === 'off') return true;
  if (Array.isArray(value))
    return value.some((item) => offItem(item) !== undefined || mayBeSwitchedOff(item));
  return isMap(value) && Object.values(value).some(mayBeSwitchedOff);
}

function strip(
  value: unknown,
  ways: readonly Way[],
  isBlank: (path: readonly PropertyKey[]) => boolean,
  path: readonly PropertyKey[],
): unknown {
  if (Array.isArray(value)) {
    const { items, mayGo } = protectionOf(ways) ?? {};
    const kept =
      items !== undefined && mayGo === undefined
        ? value.filter((item) => offItem(item) === undefined)
        : value;
    return kept.map((item, index) => strip(item, waysInside(ways, index), isBlank, [...path, index]));
  }
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      const inner = waysInside(ways, key);
      const at = [...path, key];
      return isOff(member, inner) && !isBlank(at) ? [] : [[key, strip(member, inner, isBlank, at)]];
    }),
  );
}
