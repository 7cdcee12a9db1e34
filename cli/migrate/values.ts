/** Values of other gateways as Weir writes them. Undefined: Weir cannot say it. References stay as they are. */
import { type ForeignValue, hasReference, textOf } from './foreign';
import type { Outcome, Taking } from './table';

const unitsOfTime: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, millis: 1, s: 1000, sec: 1000, secs: 1000, second: 1000 },
  ...{ seconds: 1000, m: 60_000, min: 60_000, mins: 60_000, minute: 60_000, minutes: 60_000 },
  ...{ h: 3_600_000, hr: 3_600_000, hour: 3_600_000, hours: 3_600_000, d: 86_400_000, day: 86_400_000 },
  ...{ days: 86_400_000 },
};

/** Milliseconds of `30s`, `1m30s`, `1.5h`, or of a number of a unit. */
export function milliseconds(value: ForeignValue, unit = 1): number | undefined {
  if (typeof value === 'number') return value >= 0 ? value * unit : undefined;
  if (typeof value !== 'string' || value.length > 100) return undefined;
  let total = 0;
  let rest = value.trim();
  if (/^\d+$/.test(rest)) return Number(rest) * unit;
  while (rest !== '') {
    const [part, amount, name = ''] = /^(\d+(?:\.\d+)?)\s*([a-zµ]+)\s*/.exec(rest) ?? [];
    if (part === undefined || !Object.hasOwn(unitsOfTime, name)) return undefined;
    total += Number(amount) * unitsOfTime[name]!;
    rest = rest.slice(part.length);
  }
  return value.trim() === '' ? undefined : total;
}

/** A duration as people write it. */
export function formatDuration(total: number): string | number {
  const whole = Math.round(total);
  if (whole === 0) return '0s';
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const)
    if (whole % size === 0) return `${whole / size}${unit}`;
  return `${whole}ms`;
}

export const durationIn =
  (unit: number) =>
  (value: ForeignValue): unknown => {
    if (hasReference(value)) return value;
    const total = milliseconds(value, unit);
    return total === undefined ? undefined : formatDuration(total);
  };

/** A number is milliseconds. */
export const duration = durationIn(1);
/** A number is seconds. */
export const seconds = durationIn(1000);

/** From the largest on, those that people write first. */
const writtenSizes = [
  ['MiB', 1024 ** 2],
  ['MB', 1000 ** 2],
  ['KiB', 1024],
  ['kB', 1000],
] as const;

const unitsOfSize: Readonly<Record<string, number>> = {
  ...{ '': 1, b: 1, k: 1000, kb: 1000, m: 1000 ** 2, mb: 1000 ** 2, g: 1000 ** 3, gb: 1000 ** 3 },
  ...{ ki: 1024, kib: 1024, mi: 1024 ** 2, mib: 1024 ** 2, gi: 1024 ** 3, gib: 1024 ** 3 },
};

/** `5MB` is 5,000,000 bytes, `5MiB` is 1024 × 1024 × 5. */
export function size(value: ForeignValue): unknown {
  if (hasReference(value)) return value;
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(textOf(value).trim()) ?? [];
  const factor = unitsOfSize[unit.toLowerCase()];
  if (amount === undefined || factor === undefined) return undefined;
  const bytes = Math.floor(Number(amount) * factor);
  for (const [name, each] of writtenSizes)
    if (bytes > 0 && bytes % each === 0) return `${bytes / each}${name}`;
  return bytes;
}

export const text = (value: ForeignValue): unknown =>
  typeof value === 'string' || typeof value === 'number' ? textOf(value) : undefined;

export const flag = (value: ForeignValue): unknown =>
  typeof value === 'boolean' || hasReference(value) ? value : undefined;

export const count = (value: ForeignValue): unknown =>
  typeof value === 'number' || hasReference(value) ? value : undefined;

export const texts = (value: ForeignValue): string[] | undefined => {
  const list: readonly ForeignValue[] = Array.isArray(value) ? value : [value];
  return list.every((item): item is string => typeof item === 'string') ? [...list] : undefined;
};

/** Of `0.0.0.0:4000`, `:4000`, `[::]:4000` or `${HOST:-0.0.0.0}:${PORT:-4000}`. */
export function address(
  value: ForeignValue,
): { host: string | undefined; port: string | number } | undefined {
  if (typeof value === 'number') return { host: undefined, port: value };
  if (typeof value !== 'string') return undefined;
  let depth = 0;
  let colon = -1;
  for (let i = 0; i < value.length; i++) {
    if (value[i] === '{' || value[i] === '[') depth++;
    else if (value[i] === '}' || value[i] === ']') depth--;
    else if (value[i] === ':' && depth === 0) colon = i;
  }
  const port = value.slice(colon + 1);
  if (!/^\d+$/.test(port) && !hasReference(port)) return undefined;
  const host = value.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, '$1');
  return {
    host: host === '' ? (colon === 0 ? '0.0.0.0' : undefined) : host === 'localhost' ? '127.0.0.1' : host,
    port: hasReference(port) ? port : Number(port),
  };
}

/** Patterns of names of headers for a regular expression, where patterns with `*` can say the same. */
export function headerPatterns(expression: ForeignValue): string[] | undefined {
  if (typeof expression !== 'string' || expression.length > 1000) return undefined;
  let rest = expression.replace(/^\(\?i\)/, '');
  const begins = rest.startsWith('^');
  rest = rest.slice(begins ? 1 : 0);
  const ends = rest.endsWith('$');
  rest = ends ? rest.slice(0, -1) : rest;
  const [, alternatives] = /^\((?:\?:)?([^()]*)\)$/.exec(rest) ?? [];
  const patterns = (alternatives ?? rest).split('|').map((each) => onePattern(each, begins, ends));
  return patterns.includes(undefined) ? undefined : (patterns as string[]);
}

function onePattern(expression: string, begins: boolean, ends: boolean): string | undefined {
  const literal = expression.replaceAll(/\.[*+]/g, '*').replaceAll(/\\([-.])/g, '$1');
  if (!/^[\w*-]+$/.test(literal) || /\.(?![*+])/.test(expression.replaceAll('\\.', ''))) return undefined;
  const open = `${begins ? '' : '*'}${literal}${ends ? '' : '*'}`;
  return open.replaceAll(/\*{2,}/g, '*').toLowerCase();
}

/** An origin with `*` for one label, for a regular expression of which it says nearly the same. */
export function originPattern(expression: ForeignValue): string | undefined {
  if (typeof expression !== 'string') return undefined;
  const [, scheme, label, host] =
    /^\^?(https\??:\/\/)(\(?(?:\.[*+]|\[\^\.\][*+]|\[[\w-]+\][*+]|\\w[*+])\)?\\\.)?([\w\\.-]+(?::\d+)?)\$?$/.exec(
      expression,
    ) ?? [];
  if (host === undefined || /(?<!\\)\./.test(host)) return undefined;
  if (scheme === 'https?://') return undefined;
  return `${scheme}${label === undefined ? '' : '*.'}${host.replaceAll('\\.', '.').replaceAll('\\-', '-')}`;
}

export const byHand = (note: string): Outcome => ({ becomes: 'different', note });
export const noOption = (note: string): Outcome => ({ becomes: 'none', note });

type Convert = (value: ForeignValue) => unknown;

/** Sets an option to the converted value. */
export const to =
  (path: string, convert: Convert = text): Taking =>
  (value, at) => {
    const converted = convert(value);
    if (converted === undefined)
      return byHand(`This value cannot be taken over: set \`${shown(path)}\` by hand.`);
    at.set(path, converted);
    return undefined;
  };

/** Sets an option to a value of its own for each of the values that the key can have. */
export const choice =
  (path: string, values: ReadonlyMap<ForeignValue, unknown>): Taking =>
  (value, at) => {
    if (!values.has(value)) return byHand(`This value is not known here: set \`${shown(path)}\` by hand.`);
    const converted = values.get(value);
    if (converted !== undefined) at.set(path, converted);
    return undefined;
  };

const shown = (path: string): string => path.replaceAll('.[*]', '[]').replaceAll('*', 'NAME');
