import { GraphQLError } from 'graphql';
import { ESCAPED, INT, KIND, LENGTH_SHIFT, LONG, STRING } from '../json/tape';
import { type LeafProjection } from '../compile/projection';
import { type Run } from '../run/run';

/** Writes an enum value, or one that its type coerces ("Result Coercion"). Returns the problem if it does not fit. */
export function completeLeaf(
  { out, workspace }: Run,
  { type, values }: LeafProjection,
  a: number,
  b: number,
): string | undefined {
  const { bytes } = workspace;
  const kind = b & KIND;
  const end = a + (b >> LENGTH_SHIFT);
  if (values !== undefined && kind === STRING) {
    for (const value of values) {
      if (!isEqual(value, bytes, a, end)) continue;
      out.all(value);
      return undefined;
    }
  }
  if (type.name === 'ID' && (kind === INT || kind === LONG)) {
    // The digits are copied: a JavaScript number might round them.
    out.byte(QUOTE);
    out.copy(workspace, a, end);
    out.byte(QUOTE);
    return undefined;
  }
  if (end === a) return `${type.name} cannot represent an object or a list of objects.`;
  try {
    out.all(Buffer.from(JSON.stringify(type.serialize(JSON.parse(bytes.toString('utf8', a, end))))));
    return undefined;
  } catch (error) {
    return error instanceof GraphQLError ? error.message : `Invalid value of type "${type.name}".`;
  }
}

/** Whether this is an `@inaccessible` value of the enum. */
export function isInaccessible(
  { workspace: { bytes } }: Run,
  { inaccessible }: LeafProjection,
  a: number,
  b: number,
): boolean {
  if (inaccessible === undefined || ((b & KIND) !== STRING && (b & KIND) !== ESCAPED)) return false;
  return inaccessible.includes(JSON.parse(bytes.toString('utf8', a, a + (b >> LENGTH_SHIFT))) as string);
}

function isEqual(value: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (value.length !== end - start) return false;
  for (let i = 0; i < value.length; i++) if (value[i] !== bytes[start + i]) return false;
  return true;
}

const QUOTE = 0x22;
