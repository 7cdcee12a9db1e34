/** What a configuration of another gateway holds, whatever language it is written in. */

/** A header of a request or a response, such as `request.headers.get('x-tenant') ?? 'public'`. */
export interface ReadHeader {
  readonly name: string;
  /** What counts where it is missing. */
  readonly otherwise?: string | undefined;
}

/** A value that only the other gateway's own code, or an expression of it, can work out. */
export class Code {
  constructor(
    /** As it is written. */
    readonly text: string,
    /** The header that it reads, if it does nothing else. */
    readonly header?: ReadHeader | undefined,
  ) {}
}

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

/** Why a file cannot be read, in words that follow its name, its line and a colon. */
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

/** A value with all its texts written as those of Weir: references as `${NAME}`, and a plain `${` as `$${`. */
export function withReferences(value: ForeignValue, toReferences: ToReferences): ForeignValue {
  if (typeof value === 'string') return toReferences(value);
  if (isMap(value))
    return new Map([...value].map(([key, each]) => [key, withReferences(each, toReferences)]));
  return Array.isArray(value) ? value.map((each: ForeignValue) => withReferences(each, toReferences)) : value;
}

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

/** The paths of all values that hold no others, in their order. */
export function* leavesOf(value: ForeignValue, path: ForeignPath = []): Generator<ForeignPath> {
  const members = isOneValue(value) ? [] : membersOf(value);
  if (members.length === 0 && path.length > 0) yield path;
  for (const [key, member] of members) yield* leavesOf(member, [...path, key]);
}
