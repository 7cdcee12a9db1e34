import { type ForeignFile, type ForeignMap, type ForeignValue, Unreadable } from '../foreign';

/** Reads JSON, which may be large. Lines are not known. @throws {Unreadable} */
export function readJson(file: string, text: string): ForeignFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Unreadable(`this is not valid JSON: ${(error as Error).message}`);
  }
  const foreign = toForeign(value);
  if (!(foreign instanceof Map)) throw new Unreadable('this is not a map of options');
  return { file, value: foreign as ForeignMap, lineOf: () => undefined };
}

function toForeign(value: unknown): ForeignValue {
  if (Array.isArray(value)) return value.map(toForeign);
  if (typeof value !== 'object' || value === null) return value as string | number | boolean | null;
  return new Map(Object.entries(value).map(([key, each]) => [key, toForeign(each)]));
}
