/** What a configuration of another gateway holds, whatever language it is written in. */

/** A value that only the other gateway's own code, or an expression of it, can work out. */
export class Code {
  constructor(
    /** As it is written. */
    readonly text: string,
    /** What a function returns, if it does nothing but return an object. */
    readonly returned?: ForeignMap | undefined,
  ) {}
}

/** References to the environment are written as those of Weir (`${NAME}`), and a plain `${` as `$${`. */
export type ForeignValue = string | number | boolean | null | Code | readonly ForeignValue[] | ForeignMap;
/** Not an object, as a key may have any name. */
export type ForeignMap = ReadonlyMap<string, ForeignValue>;

export type ForeignPath = readonly string[];

export interface ForeignFile {
  readonly file: string;
  readonly value: ForeignMap;
  /** The line of a key, from 1. Undefined where the format has no lines that can be known. */
  readonly lineOf: (path: ForeignPath) => number | undefined;
}

/** Why a file cannot be read, in words that follow its name and line. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';

  constructor(
    message: string,
    readonly line?: number,
  ) {
    super(message);
  }
}

/** Writes the references of another gateway as those of Weir. */
export type ToReferences = (text: string) => string;

/** A text that has no reference, though it may look like one. */
export const plain: ToReferences = (text) => text.replaceAll('${', () => '$${');

/** Whether a text depends on the environment or on another file. */
export const hasReference = (value: unknown): value is string =>
  typeof value === 'string' && /(?:^|[^$])\$\{/.test(value);

export const isMap = (value: unknown): value is ForeignMap => value instanceof Map;

/** A list of texts and numbers counts as one value; any other list and every map has keys of its own. */
export const isOneValue = (value: ForeignValue): boolean =>
  Array.isArray(value) ? value.every((item) => !isMap(item) && !Array.isArray(item)) : !isMap(value);

/** What a value is as a text; of code, lists and maps it is empty. */
export const textOf = (value: ForeignValue): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : '';

/** A path as people write it: `cors.policies[0].origins`. */
export function formatPath(path: ForeignPath): string {
  return path.reduce((text, key) => {
    if (/^\d+$/.test(key) && text !== '') return `${text}[${key}]`;
    const name = /^[\w$-]+$/.test(key) ? key : JSON.stringify(key);
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** The value below a map or a list. */
export function memberOf(value: ForeignValue | undefined, key: string): ForeignValue | undefined {
  if (isMap(value)) return value.get(key);
  return Array.isArray(value) ? (value[Number(key)] as ForeignValue | undefined) : undefined;
}

export const valueAt = (value: ForeignValue, path: ForeignPath): ForeignValue | undefined =>
  path.reduce<ForeignValue | undefined>(memberOf, value);

/** The keys below a value that is not one, in their order. */
export function membersOf(value: ForeignValue): [key: string, value: ForeignValue][] {
  if (isMap(value)) return [...value];
  return Array.isArray(value) ? value.map((item, i) => [String(i), item as ForeignValue]) : [];
}
