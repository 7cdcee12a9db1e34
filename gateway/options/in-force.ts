import { type Options, optionsSchema } from '.';
import { type OptionValue, leavesOf } from './leaves';
import { isSecret } from './problem';
import type { OptionOrigin, OptionSources } from './sources';
import { hideInUrls } from './urls';
import { waysAt } from './ways';
import { isDeepStrictEqual } from 'node:util';
import { isMap } from './is-map';

/** An option with the value that counts. */
export interface OptionInForce extends OptionValue {
  /** As it could be written. Undefined if it is a secret. */
  readonly value: unknown;
  readonly origin: OptionOrigin;
}

/**
 * All options that have a value, in the order of the reference. Durations and sizes have their units; secrets, and what
 * was read from a file of its own, have no value; credentials in URLs are left out.
 */
export function optionsInForce(options: Options, sources: OptionSources): OptionInForce[] {
  return Array.from(leavesOf(options), (option) => optionInForce(option, sources));
}

/** One of them. */
export function optionInForce({ path, value }: OptionValue, sources: OptionSources): OptionInForce {
  // What is empty was not in a text that is short for the map around it.
  const origin = sources.origin(path, isEmpty(value));
  const isTaken = origin.kind === 'file' && origin.files.length > 0;
  const isHidden = !isEmpty(value) && (isTaken || isSecret(optionsSchema, path));
  return { path, value: isHidden ? undefined : asWritten(value, path), origin };
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

function asWritten(value: unknown, path: readonly PropertyKey[]): unknown {
  if (Array.isArray(value)) return value.map((each) => asWritten(each, path));
  if (typeof value === 'string') return hideInUrls(value);
  if (typeof value !== 'number') return value;
  const titles = waysAt(optionsSchema, path).map(({ title = '' }) => title);
  if (titles.some((title) => title.startsWith('duration'))) return withUnit(value, durations);
  return titles.includes('size') ? withUnit(value, sizes) : value;
}

/** In the largest unit that makes it a whole number; nothing at all is `0s`. */
function withUnit(value: number, units: readonly (readonly [string, number])[]): string | number {
  const fitting = units.find(([unit, size]) => value % size === 0 && (value >= size || unit === 's'));
  return fitting === undefined ? value : `${value / fitting[1]}${fitting[0]}`;
}

const durations = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const sizes = [
  ['MiB', 1024 ** 2],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KiB', 1024],
  ['kB', 1e3],
  ['B', 1],
] as const;

/** The names of the options that differ, such as `limits.depth`, without what they are. A list is one option. */
export function changedOptions(before: unknown, after: unknown, name = ''): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isMap(before) || !isMap(after)) return [name];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return Array.from(keys, (key) =>
    changedOptions(before[key], after[key], name === '' ? key : `${name}.${key}`),
  ).flat();
}
