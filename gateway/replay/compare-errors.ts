import { beginningOf } from './beginning';
import type { DifferenceSide } from './difference';
import { type Differences, shortened } from './differences';
import { type ExactJson, type ExactObject, typeOf, writeExactJson } from './exact-json';
import { type Position, positionIn, indexedPathOf, root } from './position';

/** The parts of an error that count. */
interface ComparedError {
  readonly position: Position;
  /** With indices, but for lists whose order does not matter. */
  readonly comparedPath: string;
  readonly code: string;
  readonly side: DifferenceSide;
}

/**
 * Compares the errors of two responses as sets: by path and `extensions.code`. An empty list is the same as none. Of two
 * that differ in one of these only, that one is reported.
 */
export function compareErrors(a: ExactJson, b: ExactJson, found: Differences): void {
  const [left, right] = [errorsOf(a, found), errorsOf(b, found)];
  const alike = [
    [undefined, (x, y) => x.comparedPath === y.comparedPath && x.code === y.code],
    ['error-code', (x, y) => x.comparedPath === y.comparedPath],
    ['error-path', (x, y) => x.code === y.code],
  ] as const satisfies readonly (readonly [unknown, (x: ComparedError, y: ComparedError) => boolean])[];
  let rest = left;
  for (const [kind, isAlike] of alike) {
    rest = rest.filter((error) => {
      const i = right.findIndex((other) => isAlike(error, other));
      if (i < 0) return true;
      const [other] = right.splice(i, 1);
      if (kind !== undefined) found.add(kind, error.position, error.side, other!.side);
      return false;
    });
  }
  for (const { position, side } of rest) found.add('error-missing', position, side, noError);
  for (const { position, side } of right) found.add('error-extra', position, noError, side);
}

const noError: DifferenceSide = { shape: 'no error' };

function errorsOf(errors: ExactJson, { rules, objects }: Differences): ComparedError[] {
  if (typeOf(errors) !== 'list') return [];
  return (errors as readonly ExactJson[]).slice(0, mostErrors).flatMap((error) => {
    const fields = objectOf(error);
    const steps = fields['path'] !== undefined && Array.isArray(fields['path']) ? fields['path'] : [];
    let position = root;
    let comparedPath = '';
    for (const step of steps.slice(0, longestPath) as ExactJson[]) {
      const text = writeExactJson(step, 8);
      if (typeOf(step) === 'number') {
        comparedPath += rules.isUnordered(position) ? '[]' : `[${text}]`;
        position = positionIn(position, Number(text));
      } else {
        comparedPath += `.${text}`;
        position = positionIn(position, typeof step === 'string' ? step : text);
        if (rules.isIgnored(position)) return [];
      }
    }
    const code = objectOf(fields['extensions'] ?? null)['code'] ?? null;
    const text = typeof code === 'string' ? code : '';
    const side: DifferenceSide = {
      shape: beginningOf(
        `${text === '' ? 'an error without a code' : isCode.test(text) ? text : 'an error'} at ${position === root ? 'no path' : indexedPathOf(position, objects)}`,
        longestShape,
      ),
      ...(rules.values && { value: shortened(writeExactJson(fields['message'] ?? null, 8)) }),
    };
    return [{ position, comparedPath, code: text, side }];
  });
}

const objectOf = (value: ExactJson): ExactObject =>
  typeOf(value) === 'object' ? (value as ExactObject) : {};

/** A code as gateways and services write it. Others may hold anything, such as a value. */
const isCode = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** Errors of an answer, and steps of their paths, that are compared. */
const mostErrors = 1000;
const longestPath = 200;
/** Characters of what is shown of an error. */
const longestShape = 1000;
