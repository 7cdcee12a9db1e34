/**
 * What "the same answer" means, and every difference from Apollo Gateway that is one by intent.
 */
import { isDeepStrictEqual } from 'node:util';
import { type GraphQLFormattedError, isEnumType } from 'graphql';
import { type ErrorCode } from '../../gateway/errors';
import { type QueryPlan } from '../../gateway/execution/compile/plan';
import { worldErrorCode } from '../support/random-world';
import { type RandomOperation } from '../support/random-operation';
import { type Faults, type Path, valueAt } from './faults';
import { type Answer, type Graph } from './systems';

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
function errorsByNull({ data, errors }: Answer): {
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

/** Whether Apollo Gateway can run a plan: it cannot follow a path through objects of some types only. */
export const isForApollo = (plan: QueryPlan): boolean => !JSON.stringify(plan).includes('|[');

/**
 * Why an answer that is that of graphql-js is not that of Apollo Gateway; undefined when it is, but for its defects and
 * these differences.
 *
 * - Keys come in another order, which JSON does not tell.
 * - Errors of nulls that travel up are in `extensions.valueCompletion`, and only when there are no other errors.
 * - Paths of errors: it counts entities without those that were null. So it is only compared whether there are errors.
 */
export function differenceFromApollo(
  graph: Graph,
  operation: RandomOperation,
  apollo: Answer,
  actual: Answer,
): string | undefined {
  const path = firstDifference(apollo.data, actual.data, []);
  if (!path) {
    const isAlone = actual.errors.length === 0 && !apollo.errors.every(isOfLostKey);
    return isAlone ? 'errors' : undefined;
  }
  const plan = JSON.stringify(graph.plan(operation));
  const [theirs, ours] = [valueAt(apollo.data, path), valueAt(actual.data, path)];
  const differs: Differs = { graph, plan, path, theirs, ours };
  return apolloDefects.some((defect) => defect(differs)) ? undefined : 'data';
}

/**
 * It asks for an interface object by a key that it has not renamed: it has set `__typename` to the interface's before,
 * and then finds no object of the type whose key is to be renamed.
 */
const isOfLostKey = ({ message }: GraphQLFormattedError): boolean =>
  / does not know \{.*"\w+__planner":/.test(message);

/** Where data differs first. */
interface Differs {
  readonly graph: Graph;
  /** As JSON. */
  readonly plan: string;
  readonly path: Path;
  /** Undefined where it has no such key or item. */
  readonly theirs: unknown;
  readonly ours: unknown;
}

/** What is known to be wrong in it, recognised by where its data differs first. */
const apolloDefects: ((differs: Differs) => boolean)[] = [
  // It does not rename what is false, null, zero or empty: the client's field is null, or a representation lacks it, and
  // what requires it has another value.
  function falsyRenamed({ graph: { subgraphs }, plan, theirs, ours }) {
    if (!plan.includes('"KeyRenamer"')) return false;
    if (theirs === null || theirs === undefined || !ours) return true;
    return subgraphs.some(({ typeDefs }) =>
      [...typeDefs.matchAll(/(\w+)(?:\([^)]*\))?: .*@requires/g)].some(([, field]) =>
        new RegExp(`\\b${field!}\\b`).test(plan),
      ),
    );
  },
  // It asks for no entity of which conditions have left out a part that only other fields require.
  function leftOutRequirements({ plan, theirs }) {
    return plan.includes('(if:$') && theirs === null;
  },
  // Lists within lists that two subgraphs know parts of: it keeps one part.
  function nestedLists({ path, ours }) {
    if (typeof path.at(-1) === 'number' && Array.isArray(ours)) return true;
    return path.some((step, i) => typeof step === 'number' && typeof path[i + 1] === 'number');
  },
  // Lists within lists that a field requires objects of: what it sends for them is not what it was answered.
  function requiredNestedLists({ graph: { subgraphs }, plan }) {
    return subgraphs.some(({ typeDefs }) =>
      [...typeDefs.matchAll(/(\w+)(?:\([^)]*\))?: \[\[\w+/g)].some(([, field]) =>
        new RegExp(`"kind":"Field","name":"${field!}(__\\d+)?","selections"`).test(plan),
      ),
    );
  },
  // An interface object's `__typename` replaces that of the object that it stands for: selections on the object are
  // lost, and the null that a failing field of theirs leaves around it.
  function interfaceObjects({ graph: { subgraphs }, plan, theirs, ours }) {
    const isLost = theirs === null || theirs === undefined;
    return (
      (isLost || (ours === null && typeof theirs === 'object')) &&
      subgraphs.some(
        ({ name, typeDefs }) =>
          / @interfaceObject /.test(typeDefs) && plan.includes(`"serviceName":${JSON.stringify(name)}`),
      )
    );
  },
  // Values of enums that clients may not see are shown.
  function inaccessibleValues({ graph: { apiSchema, subgraphs }, theirs }) {
    const isVisible = Object.values(apiSchema.getTypeMap()).some(
      (type) => isEnumType(type) && type.getValue(String(theirs)),
    );
    return (
      !isVisible && subgraphs.some(({ typeDefs }) => typeDefs.includes(`${String(theirs)} @inaccessible`))
    );
  },
];

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
