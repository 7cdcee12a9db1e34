/** Scalars and enums of a source's JSON, as text of the answer. */
import { type ExactJson, numberText, stringText, typeOf, writeExactJson } from '../../../replay/exact-json';
import { isInteger } from './inputs';

/** Undefined where the type does not have the value. */
export type LeafText = (json: ExactJson) => string | undefined;

/** @param values of an enum: its names by those in the JSON */
export const leafOf = (name: string, values: ReadonlyMap<string, string> | undefined): LeafText =>
  values === undefined
    ? (scalars[name] ?? wholeText)
    : (json) => {
        const value = typeOf(json) === 'string' ? values.get(stringText(json as string)) : undefined;
        return value && `"${value}"`;
      };

const stringOf: LeafText = (json) =>
  typeOf(json) === 'string' ? JSON.stringify(stringText(json as string)) : undefined;

const scalars: Readonly<Record<string, LeafText>> = {
  Int: (json) => {
    const text = integerOf(json);
    return text !== undefined && Math.abs(Number(text) + 0.5) < 2 ** 31 ? text : undefined;
  },
  Long: (json) => integerOf(json),
  Float: (json) =>
    typeOf(json) === 'number' && Number.isFinite(Number(numberText(json))) ? numberText(json) : undefined,
  ID: (json) => {
    const text = integerOf(json);
    return text === undefined ? stringOf(json) : `"${text}"`;
  },
  String: stringOf,
  Boolean: (json) => (typeof json === 'boolean' ? String(json) : undefined),
};

function integerOf(json: ExactJson): string | undefined {
  if (typeOf(json) !== 'number') return undefined;
  const text = numberText(json);
  if (isInteger.test(text)) return text;
  const value = Number(text);
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** Undefined for what is nested too deep to be written. */
function wholeText(json: ExactJson): string | undefined {
  try {
    return writeExactJson(json);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
