import { parse, TomlDate, TomlError } from 'smol-toml';
import {
  type ForeignFile,
  type ForeignMap,
  type ForeignPath,
  type ForeignValue,
  Unreadable,
} from '../foreign';

/** Reads TOML. @throws {Unreadable} */
export function readToml(file: string, text: string): ForeignFile {
  let value: unknown;
  try {
    value = parse(text, { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    if (error instanceof TomlError) {
      const [reason = ''] = error.message.split('\n', 1);
      throw new Unreadable(
        `this is not valid TOML: ${reason.replace(/^Invalid TOML document: /, '')}`,
        error.line,
      );
    }
    throw error;
  }
  const lines = linesOf(text);
  return {
    file,
    value: toForeign(value) as ForeignMap,
    lineOf: (path) => lines(path),
  };
}

function toForeign(value: unknown): ForeignValue {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return value.map(toForeign);
  return new Map(Object.entries(value as object).map(([key, each]) => [key, toForeign(each)]));
}

/**
 * Finds lines without another parser: that of the table a key is in, and below it that of the key itself. What is not found is
 * unknown.
 */
function linesOf(text: string): (path: ForeignPath) => number | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const found = new Map<string, number>();
  const counts = new Map<string, number>();
  let table = '';
  for (const [i, line] of lines.entries()) {
    if (line.startsWith('[')) {
      const isList = line.startsWith('[[');
      const end = line.indexOf(']');
      const name = keyIn(line.slice(isList ? 2 : 1, Math.max(end, 1)));
      // Tables below an item of a list belong to its last item.
      const list = listAround(name, counts);
      const path = list === undefined ? name : `${list}\0${counts.get(list)! - 1}${name.slice(list.length)}`;
      if (isList) counts.set(name, (counts.get(name) ?? 0) + 1);
      table = isList ? `${path}\0${counts.get(name)! - 1}` : path;
      found.set(table, i + 1);
      continue;
    }
    const equals = line.indexOf('=');
    if (equals < 1 || line.startsWith('#')) continue;
    const path = [table, keyIn(line.slice(0, equals))].filter((part) => part !== '').join('\0');
    if (!found.has(path)) found.set(path, i + 1);
  }
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = found.get(path.slice(0, length).join('\0'));
      if (line !== undefined) return line;
    }
    return undefined;
  };
}

/** The innermost list around a table. */
function listAround(name: string, lists: ReadonlyMap<string, number>): string | undefined {
  for (let end = name.lastIndexOf('\0'); end > 0; end = name.lastIndexOf('\0', end - 1)) {
    const around = name.slice(0, end);
    if (lists.has(around)) return around;
  }
  return undefined;
}

const keyIn = (text: string): string =>
  text
    .split('.')
    .map((part) => part.trim().replaceAll(/["']/g, ''))
    .join('\0');
