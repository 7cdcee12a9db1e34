import { type LoadedOptions, OptionsError, optionsSchema } from '.';
import { isMap } from './is-map';
import type { OptionsProblem } from './problem';
import { isOff, offItem, type OptionProtection, protectionOf } from './protection';
import { type Way, waysInside, waysOf } from './ways';

/**
 * Refuses options that have less protection than those in use only because something is left out: their file may be
 * half-written, or made of two versions. What they switch off by name, and values that they change, they may.
 *
 * @throws {OptionsError} with each protecting option that is missing
 */
export function refuseLostProtections(inUse: LoadedOptions, { sources }: LoadedOptions): void {
  const lost = findLost(inUse.sources.merged(), sources.merged(), {
    path: [],
    ways: waysOf(optionsSchema),
    isDeep: false,
  });
  const isCut = sources.text?.endsWith('\n') === false && inUse.sources.text?.endsWith('\n') === true;
  const problems = isCut ? [...lost, cutLine] : lost;
  if (problems.length > 0) throw new OptionsError(problems, sources);
}

const cutLine: OptionsProblem = {
  path: undefined,
  sentence:
    'The last line of the options has no line break, as it has in the options in use: it may be half-written. End it with a line break.',
};

interface At {
  readonly path: readonly PropertyKey[];
  readonly ways: readonly Way[];
  /** Whether everything here protects. */
  readonly isDeep: boolean;
}

function findLost(before: unknown, after: unknown, at: At): OptionsProblem[] {
  if (Array.isArray(before)) return findLostItems(before, Array.isArray(after) ? after : [], at);
  if (!isMap(before)) return [];
  const beside = isMap(after) ? after : {};
  return Object.entries(before).flatMap(([key, value]) => {
    const ways = waysInside(at.ways, key);
    const path = [...at.path, key];
    if (isOff(value, ways) || isOff(beside[key], ways)) return [];
    const protection = protectionOf(ways) ?? (at.isDeep ? {} : undefined);
    if (isLost(value, beside[key], protection, beside)) return [leftOut(path)];
    return findLost(value, beside[key], { path, ways, isDeep: protection?.deep ?? at.isDeep });
  });
}

function isLost(
  before: unknown,
  after: unknown,
  protection: OptionProtection | undefined,
  beside: Readonly<Record<string, unknown>>,
): boolean {
  if (protection === undefined) return false;
  const { values, or, mayBeEmpty } = protection;
  // Values from the environment are text.
  if (values?.every((value) => String(value) !== String(before)) === true) return false;
  if (or !== undefined && (beside[or] ?? undefined) !== undefined) return false;
  return after === undefined || (mayBeEmpty !== true && isEmpty(after) && !isEmpty(before));
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

function findLostItems(before: readonly unknown[], after: readonly unknown[], at: At): OptionsProblem[] {
  const protection = protectionOf(at.ways);
  const { items } = protection ?? {};
  if (items === undefined) return [];
  const left = after.map((item) => ({ item, name: nameOf(offItem(item) ?? item, items) }));
  return before.flatMap((item, index) => {
    if (offItem(item) !== undefined) return [];
    const name = nameOf(item, items);
    const found = left.findIndex((each) => each.name === name);
    if (found === -1) return protection?.mayGo === true ? [] : [itemLeftOut(at.path, item, items)];
    const [same] = left.splice(found, 1);
    if (offItem(same!.item) !== undefined) return [];
    return findLost(item, same!.item, {
      path: [...at.path, index],
      ways: waysInside(at.ways, index),
      isDeep: at.isDeep,
    });
  });
}

/** What an item is known by. Text that is an item is a pattern of names, whose case does not matter. */
function nameOf(item: unknown, by: readonly string[]): string {
  if (by.length === 0) return String(item).toLowerCase();
  return JSON.stringify(isMap(item) ? by.map((key) => item[key] ?? null) : [item]);
}

const meaning = 'A reload takes no protection away by leaving it out';

const leftOut = (path: readonly PropertyKey[]): OptionsProblem => ({
  path,
  sentence: `\`${path.join('.')}\` is missing, which is in the options in use. ${meaning}: keep it, or set it to null.`,
});

function itemLeftOut(path: readonly PropertyKey[], item: unknown, by: readonly string[]): OptionsProblem {
  const known = isMap(item)
    ? Object.fromEntries(by.flatMap((key) => (key in item ? [[key, item[key]]] : [])))
    : item;
  const name = isMap(known) && by.length === 1 ? known[by[0]!] : known;
  const shown = isMap(name)
    ? `{ ${Object.entries(name)
        .map(([key, value]) => `${key}: ${String(value)}`)
        .join(', ')} }`
    : String(name);
  return {
    path,
    sentence: `\`${path.join('.')}\` lacks ${shown}, which is in the options in use. ${meaning}: keep it, or write \`off: ${shown}\` instead.`,
  };
}
