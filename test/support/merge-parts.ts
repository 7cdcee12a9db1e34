/**
 * Merges an answer in parts, as the two formats of incremental delivery say, and throws where a part breaks their rules.
 * Written from the specifications, without the gateway's code.
 */
import type { GraphQLFormattedError } from 'graphql';

type Path = readonly (string | number)[];
type Json = Record<string, unknown>;

/** A part in any of the formats. */
export interface SentPart {
  readonly data?: Json | null;
  readonly errors?: readonly GraphQLFormattedError[];
  readonly pending?: readonly { readonly id: string; readonly path: Path; readonly label?: string }[];
  readonly incremental?: readonly {
    readonly id?: string;
    readonly subPath?: Path;
    readonly path?: Path;
    readonly label?: string;
    readonly data?: Json | null;
    readonly errors?: readonly GraphQLFormattedError[];
  }[];
  readonly completed?: readonly { readonly id: string; readonly errors?: readonly GraphQLFormattedError[] }[];
  readonly hasNext?: boolean;
}

export interface Merged {
  readonly data: unknown;
  readonly errors: readonly GraphQLFormattedError[];
  /**
   * The paths of fragments without data, because a null propagated to their object. In the format 20220824, also of
   * objects that one part has as null, because a null propagated to them, and another has not.
   */
  readonly failed: readonly Path[];
}

/** @param format `v0.2`, or `20220824` */
export function mergeParts(parts: readonly SentPart[], format: string): Merged {
  const [first, ...rest] = parts;
  if (first === undefined || !('data' in first)) throw new Error('The first part has no data');
  for (const [i, { hasNext = false }] of parts.entries())
    if (hasNext !== i < parts.length - 1)
      throw new Error(`Part ${i} of ${parts.length} says hasNext: ${hasNext}`);
  const merged = {
    data: structuredClone(first.data),
    errors: [...(first.errors ?? [])],
    failed: [] as Path[],
  };
  const waiting = new Map<string, Path>();
  const known = new Set<string>();
  for (const part of parts) {
    if (format === 'v0.2') mergeV02(part, part === first);
    else if (part !== first) merge20220824(part);
  }
  if (waiting.size > 0) throw new Error(`Nothing came of ${[...waiting.keys()].join()}`);
  if (rest.some((part) => 'data' in part)) throw new Error('A later part has data of its own');
  return merged;

  function mergeV02({ pending = [], incremental = [], completed = [] }: SentPart, isFirst: boolean): void {
    for (const { id, path } of pending) {
      if (known.has(id)) throw new Error(`${id} is announced twice`);
      known.add(id);
      waiting.set(id, path);
      if (!isObject(valueAt(merged.data, path)) && isFirst)
        throw new Error(`No object is at ${path.join('.')}`);
    }
    for (const { id, subPath = [], data, errors = [] } of incremental) {
      const path = waiting.get(id!);
      if (path === undefined) throw new Error(`${id!} is not waited for`);
      add([...path, ...subPath], data, true);
      merged.errors.push(...errors);
    }
    for (const { id, errors } of completed) {
      if (!waiting.has(id)) throw new Error(`${id} is not waited for`);
      if (errors !== undefined) {
        if (errors.length === 0) throw new Error('A failure without an error');
        merged.errors.push(...errors);
        merged.failed.push(waiting.get(id)!);
      }
      waiting.delete(id);
    }
  }

  function merge20220824({ incremental = [] }: SentPart): void {
    for (const { path, data, errors = [] } of incremental) {
      merged.errors.push(...errors);
      if (data === null) {
        if (errors.length === 0) throw new Error('A failure without an error');
        merged.failed.push(path!);
      } else add(path!, data, false);
    }
  }

  /** @param isOnce whether no leaf may come twice */
  function add(path: Path, data: unknown, isOnce: boolean): void {
    const at = valueAt(merged.data, path);
    if (!isObject(at) || !isObject(data)) throw new Error(`No object is at ${path.join('.')}`);
    merge(at, data, path, isOnce ? undefined : (nullAt) => void merged.failed.push(nullAt));
  }
}

/** Told of a null that is replaced; undefined if no leaf may come twice. */
type OnNull = ((path: Path) => void) | undefined;

function merge(into: Json, from: Json, path: Path, onNull: OnNull): void {
  for (const [key, value] of Object.entries(from)) {
    const here = [...path, key];
    if (!Object.hasOwn(into, key)) Object.defineProperty(into, key, { ...member, value });
    else mergeValues(into, key, into[key], value, here, onNull);
  }
}

function mergeValues(
  into: Json | unknown[],
  key: string | number,
  known: unknown,
  value: unknown,
  path: Path,
  onNull: OnNull,
): void {
  if (isObject(known) && isObject(value)) merge(known, value, path, onNull);
  else if (Array.isArray(known) && Array.isArray(value) && known.length === value.length)
    for (const [i, item] of value.entries()) mergeValues(known, i, known[i], item, [...path, i], onNull);
  else {
    if (onNull === undefined) throw new Error(`${path.join('.')} comes twice`);
    if ((known === null) !== (value === null)) onNull(path);
    Object.defineProperty(into, key, { ...member, value });
  }
}

/** As JSON has it: also for `__proto__`. */
const member = { writable: true, enumerable: true, configurable: true };

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    data,
  );
}

/**
 * Why a merged answer is not the answer of the same operation without `@defer`; undefined if it is. Where a fragment has
 * failed, its object stays; in the other answer the null has propagated to it.
 */
export function differenceFromWhole(whole: unknown, merged: Merged): string | undefined {
  const isBelowFailed = (path: Path): boolean => merged.failed.some((one) => isPrefix(one, path));
  return compare(whole, merged.data, []);

  function compare(expected: unknown, got: unknown, path: Path): string | undefined {
    if (expected === null) {
      if (got === null) return undefined;
      // Within a fragment, its fields may be of an object that others have sent.
      const isOfFailed =
        isBelowFailed(path) && merged.errors.some((error) => isPrefix(path, error.path ?? []));
      return isOfFailed || merged.failed.some((one) => isPrefix(path, one))
        ? undefined
        : `${path.join('.')} is not null`;
    }
    if (Array.isArray(expected) && Array.isArray(got)) {
      if (expected.length !== got.length) return `${path.join('.')} has another length`;
      return first(expected.map((item, i) => () => compare(item, (got as unknown[])[i], [...path, i])));
    }
    if (isObject(expected) && isObject(got)) {
      const isFailed = isBelowFailed(path);
      const keys = new Set([...Object.keys(expected), ...Object.keys(got)]);
      return first(
        [...keys].map((key) => () => {
          if (!Object.hasOwn(expected, key)) return `${[...path, key].join('.')} was not asked for`;
          if (!Object.hasOwn(got, key))
            return isFailed ? undefined : `${[...path, key].join('.')} is missing`;
          return compare(expected[key], got[key], [...path, key]);
        }),
      );
    }
    return Object.is(expected, got) || JSON.stringify(expected) === JSON.stringify(got)
      ? undefined
      : `${path.join('.')} differs`;
  }
}

const isPrefix = (one: Path, other: Path): boolean => one.every((key, i) => other[i] === key);

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const difference = check();
    if (difference !== undefined) return difference;
  }
  return undefined;
}
