/**
 * What "the same answer" means, and every difference from Apollo Gateway that is one by intent.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Answer } from './systems';

/**
 * Why an answer is not that of graphql-js on the merged schema; undefined when it is.
 *
 * `data` has to be the same JSON, keys in the same order. For errors the specification leaves a choice: when a
 * null travels up, the errors of fields that it swallows may be told or not, at least one must be. So: each
 * place where errors left a null must be the same, and both must tell at least one error of the same path there.
 */
export function differenceFromMerged(expected: Answer, actual: Answer): string | undefined {
  const [wanted, got] = [JSON.stringify(expected.data), JSON.stringify(actual.data)];
  if (wanted !== got) return isDeepStrictEqual(expected.data, actual.data) ? 'order of data' : 'data';
  const [wantedErrors, gotErrors] = [errorsByNull(expected), errorsByNull(actual)];
  for (const place of wantedErrors.keys()) if (!gotErrors.has(place)) return 'missing error';
  for (const [place, paths] of gotErrors) {
    const allowed = wantedErrors.get(place);
    if (!allowed) return 'unexpected error';
    if (!paths.some((path) => allowed.includes(path))) return 'error path';
    if (new Set(paths).size < paths.length) return 'repeated error';
  }
  return undefined;
}

/** Paths of errors by the place of the null that each left. */
function errorsByNull({ data, errors }: Answer): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const { path = [] } of errors) {
    let value = data;
    let depth = 0;
    for (; depth < path.length && value !== null && value !== undefined; depth++)
      value = (value as Record<string | number, unknown>)[path[depth]!];
    const place = JSON.stringify(path.slice(0, depth));
    places.set(place, [...(places.get(place) ?? []), JSON.stringify(path)]);
  }
  return places;
}

/**
 * Why an answer is not that of Apollo Gateway; undefined when it is, but for the following.
 *
 * - The order of keys: it writes mutation fields that occur twice where they first occur, as everybody does, but
 *   fields of fragments in the order in which its operations hold them.
 * - Errors of nulls that travel up are in `extensions.valueCompletion`, and only when there are no other errors.
 * - Paths of subgraph errors: it counts entities without those that were null.
 */
export function differenceFromApollo(apollo: Answer, actual: Answer): string | undefined {
  if (!isDeepStrictEqual(apollo.data, actual.data)) return 'data';
  return undefined;
}
