/** What "the same answer" means. */
import { isDeepStrictEqual } from 'node:util';
import { type GraphQLFormattedError } from 'graphql';
import { type ErrorCode } from '../../gateway/errors';
import { worldErrorCode } from '../support/random-world';
import { type Faults, type Path } from './faults';
import { type Answer } from './systems';

/**
 * Why an answer is not that of graphql-js on the merged schema; undefined when it is.
 *
 * `data` has to be the same JSON, keys in the same order. For errors the specification leaves a choice: when a
 * null travels up, the errors of fields that it swallows may be told or not, at least one must be. So the places
 * where errors left a null must be the same, where the field there failed itself both must tell it, and what is told
 * is always something that did fail: `faults` are all that there are.
 *
 * A field that fails in a subgraph has the message and the code that this gave it. A null that may not be has no code
 * of its own: the gateway's table says which.
 *
 * Errors of fields that the client did not select are not compared, if the plan asks for a field of that name: keys,
 * and what `@requires` needs. That these failed is told.
 */
export function differenceFromMerged(
  expected: Answer,
  actual: Answer,
  faults: Faults,
  plan: () => string,
): string | undefined {
  const [wanted, got] = [JSON.stringify(expected.data), JSON.stringify(actual.data)];
  if (wanted !== got) {
    return isDeepStrictEqual(expected.data, actual.data) ? 'order of data' : 'data';
  }
  const [wantedErrors, gotErrors] = [errorsByNull(expected), errorsByNull(actual)];
  for (const { path, message, extensions } of gotErrors.unasked) {
    if (!plan().includes(`${path.at(-1)!}`)) return 'error of a field that nobody asked for';
    if (!codes.has(String(extensions?.['code']))) return 'error code';
    if (message === '') return 'error message';
  }
  for (const place of wantedErrors.byPlace.keys()) if (!gotErrors.byPlace.has(place)) return 'missing error';
  for (const [place, errors] of gotErrors.byPlace) {
    const allowed = wantedErrors.byPlace.get(place)?.map(pathOf);
    if (!allowed) return 'unexpected error';
    const paths = errors.map(pathOf);
    const swallows = [...paths, ...allowed].every((path) => path !== place);
    if (!swallows && !paths.some((path) => allowed.includes(path))) return 'error path';
    if (isRepeated(errors.map((error) => JSON.stringify(error)))) return 'repeated error';
    // Several subgraphs may tell of one field; the gateway tells one thing of it.
    if (isRepeated(errors.filter(isOfGateway).map(pathOf))) return 'repeated error';
    for (const error of errors) {
      const difference = differenceFromFault(error, faults);
      if (difference !== undefined) return difference;
    }
  }
  return undefined;
}

function differenceFromFault(
  { path = [], message, extensions }: GraphQLFormattedError,
  faults: Faults,
): string | undefined {
  const fault = faults.errorAt(path);
  const code = String(extensions?.['code']);
  if (fault?.extensions?.['code'] !== undefined) {
    if (code !== fault.extensions['code']) return 'error code';
    return code === worldErrorCode && message !== fault.message ? 'error message' : undefined;
  }
  if (fault === undefined && !faults.isBrokenAt(path)) return 'error of a field that did not fail';
  return nullCodes.has(code) ? undefined : 'error code';
}

/** Of a value that is none of its type: seen by a subgraph, or by the gateway. */
const nullCodes = new Set<string>([
  'DOWNSTREAM_SERVICE_ERROR',
  'SUBREQUEST_MALFORMED_RESPONSE',
  'INACCESSIBLE_VALUE',
] satisfies ErrorCode[]);

const codes = new Set([...nullCodes, worldErrorCode]);

const isOfGateway = ({ extensions }: GraphQLFormattedError): boolean =>
  nullCodes.has(String(extensions?.['code'])) && extensions?.['code'] !== 'DOWNSTREAM_SERVICE_ERROR';

const isRepeated = (texts: readonly string[]): boolean => new Set(texts).size < texts.length;

const pathOf = ({ path = [] }: GraphQLFormattedError): string => JSON.stringify(path);

/** Errors by the place of the null that each left, and those of fields that are not in the response. */
export function errorsByNull({ data, errors }: Answer): {
  readonly byPlace: ReadonlyMap<string, readonly GraphQLFormattedError[]>;
  readonly unasked: readonly (GraphQLFormattedError & { readonly path: Path })[];
} {
  const byPlace = new Map<string, GraphQLFormattedError[]>();
  const unasked: (GraphQLFormattedError & { readonly path: Path })[] = [];
  for (const error of errors) {
    const { path = [] } = error;
    let value = data;
    let depth = 0;
    let isList = false;
    for (; depth < path.length && value !== null && value !== undefined; depth++) {
      isList = typeof value !== 'object' || Array.isArray(value);
      value = (value as Record<string | number, unknown>)[path[depth]!];
    }
    // No plan asks for more items of a list.
    if (value === undefined && !isList) unasked.push({ ...error, path: path.slice(0, depth) });
    else {
      const place = JSON.stringify(path.slice(0, depth));
      byPlace.set(place, [...(byPlace.get(place) ?? []), error]);
    }
  }
  return { byPlace, unasked };
}
