/**
 * What "the same answer" means, and every difference from Apollo Gateway that is one by intent.
 */
import { isDeepStrictEqual } from 'node:util';
import { isEnumType } from 'graphql';
import { errors } from '../../gateway/errors';
import { type QueryPlan } from '../../gateway/execution/plan';
import { worldErrorCode } from '../support/random-world';
import { type RandomOperation } from '../support/random-operation';
import { type Answer, type Graph } from './systems';

/**
 * Why an answer is not that of graphql-js on the merged schema; undefined when it is.
 *
 * `data` has to be the same JSON, keys in the same order. For errors the specification leaves a choice: when a
 * null travels up, the errors of fields that it swallows may be told or not, at least one must be. So the places
 * where errors left a null must be the same, and where the field there failed itself, both must tell it.
 *
 * Every error has a code of the gateway's table, or the one that its subgraph gave it.
 *
 * Errors of fields that the client did not select are not compared: a plan may ask a subgraph for more (keys, what
 * `@requires` needs), and that this failed is told.
 */
export function differenceFromMerged(expected: Answer, actual: Answer): string | undefined {
  const [wanted, got] = [JSON.stringify(expected.data), JSON.stringify(actual.data)];
  if (wanted !== got) {
    return isDeepStrictEqual(expected.data, actual.data) ? 'order of data' : 'data';
  }
  if (actual.errors.some(({ extensions }) => !codes.has(String(extensions?.['code'])))) return 'error code';
  const [wantedErrors, gotErrors] = [errorsByNull(expected), errorsByNull(actual)];
  for (const place of wantedErrors.keys()) if (!gotErrors.has(place)) return 'missing error';
  for (const [place, paths] of gotErrors) {
    const allowed = wantedErrors.get(place);
    if (!allowed) return 'unexpected error';
    const swallows = [...paths, ...allowed].every((path) => path !== place);
    if (!swallows && !paths.some((path) => allowed.includes(path))) return 'error path';
    if (new Set(paths).size < paths.length) return 'repeated error';
  }
  return undefined;
}

/** Those of the gateway's own errors, and the one that subgraphs give theirs. */
const codes = new Set([...Object.keys(errors), worldErrorCode]);

/** Paths of errors by the place of the null that each left. */
function errorsByNull({ data, errors }: Answer): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const { path = [] } of errors) {
    let value = data;
    let depth = 0;
    for (; depth < path.length && value !== null && value !== undefined; depth++)
      value = (value as Record<string | number, unknown>)[path[depth]!];
    if (value === undefined) continue;
    const place = JSON.stringify(path.slice(0, depth));
    places.set(place, [...(places.get(place) ?? []), JSON.stringify(path)]);
  }
  return places;
}

/** Whether Apollo Gateway can run a plan: it cannot follow a path through objects of some types only. */
export const isForApollo = (plan: QueryPlan): boolean => !JSON.stringify(plan).includes('|[');

/**
 * Why an answer is not that of Apollo Gateway; undefined when it is, but for its defects and these differences.
 *
 * - Keys come in another order, which JSON does not tell.
 * - Errors of nulls that travel up are in `extensions.valueCompletion`, and only when there are no other errors.
 * - Paths of errors: it counts entities without those that were null. Errors are not compared for all this.
 */
export function differenceFromApollo(
  graph: Graph,
  operation: RandomOperation,
  apollo: Answer,
  actual: Answer,
): string | undefined {
  const path = firstDifference(apollo.data, actual.data, []);
  if (!path) return undefined;
  const plan = JSON.stringify(graph.plan(operation));
  // It does not rename what is false, null, zero or empty, for a client nor in a representation.
  if (plan.includes('"KeyRenamer"')) return undefined;
  // It asks for no entity of which conditions have left out a part that only other fields require.
  if (plan.includes('(if:$') && valueAt(apollo.data, path) === null) return undefined;
  return apolloDefects.some((defect) => defect(graph, path, apollo, actual)) ? undefined : 'data';
}

type Path = readonly (string | number)[];

/** What is known to be wrong in it, recognised by where its data differs first. */
const apolloDefects: ((graph: Graph, path: Path, apollo: Answer, actual: Answer) => boolean)[] = [
  // Lists within lists that two subgraphs know parts of: it keeps one part.
  function nestedLists(_graph, path, _apollo, actual) {
    if (typeof path.at(-1) === 'number' && Array.isArray(valueAt(actual.data, path))) return true;
    return path.some((step, i) => typeof step === 'number' && typeof path[i + 1] === 'number');
  },
  // Lists within lists that a field requires objects of: what it sends for them is not what it was answered.
  function requiredNestedLists({ subgraphs }) {
    return subgraphs.some(({ typeDefs }) =>
      [...typeDefs.matchAll(/(\w+)(?:\([^)]*\))?: \[\[\w+/g)].some(([, field]) =>
        new RegExp(`@requires\\(fields: "[^"]*\\b${field!}(?:\\([^)]*\\))? \\{`).test(typeDefs),
      ),
    );
  },
  // An interface object's `__typename` replaces that of the object that it stands for: selections on the object are lost.
  function interfaceObjects({ subgraphs }) {
    return subgraphs.some(({ typeDefs }) => / @interfaceObject /.test(typeDefs));
  },
  // Values of enums that clients may not see are shown.
  function inaccessibleValues({ apiSchema, subgraphs }, path, apollo) {
    const value = valueAt(apollo.data, path);
    const isVisible = Object.values(apiSchema.getTypeMap()).some(
      (type) => isEnumType(type) && type.getValue(String(value)),
    );
    return (
      !isVisible && subgraphs.some(({ typeDefs }) => typeDefs.includes(`${String(value)} @inaccessible`))
    );
  },
];

const valueAt = (data: unknown, path: Path): unknown =>
  path.reduce((value, step) => (value as Record<string | number, unknown> | null | undefined)?.[step], data);

/** Where two values differ first; undefined when they do not. */
function firstDifference(a: unknown, b: unknown, path: Path): Path | undefined {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return Object.is(a, b) ? undefined : path;
  if (Array.isArray(a) !== Array.isArray(b)) return path;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const step = Array.isArray(a) ? Number(key) : key;
    const found = firstDifference((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], [
      ...path,
      step,
    ]);
    if (found) return found;
  }
  return undefined;
}
