import { parse, TomlDate, TomlError } from 'smol-toml';
import {
  type ForeignFile,
  type ForeignMap,
  type ForeignPath,
  type ForeignValue,
  type ToReferences,
  Unreadable,
} from '../foreign';

/** Reads TOML. @throws {Unreadable} */
export function readToml(file: string, text: string, toReferences: ToReferences): ForeignFile {
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
    value: toForeign(value, toReferences) as ForeignMap,
    lineOf: (path) => lines(path),
  };
}

function toForeign(value: unknown, toReferences: ToReferences): ForeignValue {
  if (typeof value === 'string') return toReferences(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return value.map((each) => toForeign(each, toReferences));
  return new Map(Object.entries(value as object).map(([key, each]) => [key, toForeign(each, toReferences)]));
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
      const inItem = [...counts].findLast(([list]) => name.startsWith(`${list}\0`));
      const path =
        inItem === undefined ? name : `${inItem[0]}\0${inItem[1] - 1}${name.slice(inItem[0].length)}`;
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

const keyIn = (text: string): string =>
  text
    .split('.')
    .map((part) => part.trim().replaceAll(/["']/g, ''))
    .join('\0');
