/** What is different between the answers of two endpoints, A and B, to one GraphQL request. */
import { compareErrors } from './compare-errors';
import { canonicalText, haveSameItems } from './canonical-text';
import type { Difference, DifferenceKind, DifferenceSide } from './difference';
import { type CompiledRules, deepest, Differences, shortened } from './differences';
import { type ExactJson, type ExactObject, isSameNumber, parseExactJson, typeOf } from './exact-json';
import { matcherOf, type Position, positionIn, root } from './position';

/** What an endpoint answered. */
export interface EndpointAnswer {
  readonly status: number;
  readonly body: string;
}

/** Why an endpoint gave no answer: a few words without values, such as `no answer within 10 s`. */
export interface EndpointFailure {
  readonly failure: string;
}

export interface ComparisonRules {
  /** Patterns of paths, with what is below them, that are not compared; errors there are not, either. */
  readonly ignore: readonly string[];
  /** Patterns of lists whose order does not matter. */
  readonly unordered: readonly string[];
  /** Whether differences have values of the answers. */
  readonly values: boolean;
}

/** @param document that of the operation, valid GraphQL: paths have its names alone, and no keys of custom scalars */
export type CompareAnswers = (
  a: EndpointAnswer | EndpointFailure,
  b: EndpointAnswer | EndpointFailure,
  document?: string,
) => readonly Difference[];

/**
 * Returns the function that compares answers: `data` by value, with objects in any order of keys, lists in order, and
 * numbers as they are written; `errors` by path and code; the HTTP status. `extensions` and messages of errors are not
 * compared. A path has each kind of difference once, with how often and the first position. Work is bounded: after
 * {@link mostDifferences} of them, the rest of an answer is not compared.
 *
 * @throws {RangeError} for a pattern that cannot be read
 */
export function comparisonBy({ ignore, unordered, values }: ComparisonRules): CompareAnswers {
  const rules: CompiledRules = {
    isIgnored: matcherOf(ignore),
    isUnordered: matcherOf(unordered),
    values,
  };
  return (a, b, document) => {
    const found = new Differences(rules, document);
    compareAnswers(a, b, found);
    return found.grouped();
  };
}

function compareAnswers(
  a: EndpointAnswer | EndpointFailure,
  b: EndpointAnswer | EndpointFailure,
  found: Differences,
): void {
  if ('failure' in a || 'failure' in b) {
    const side = (of: typeof a): DifferenceSide => ({
      shape: 'failure' in of ? of.failure : `status ${of.status}`,
    });
    found.add('no-answer', root, side(a), side(b));
    return;
  }
  if (a.status !== b.status)
    found.add('status', root, { shape: `status ${a.status}` }, { shape: `status ${b.status}` });
  // Where the text is the same, nothing is compared.
  const parse = a.body === b.body ? (JSON.parse as typeof parseExactJson) : parseExactJson;
  const [left, right] = [a, b].map(({ body }) => responseOf(body, parse));
  if (left === undefined || right === undefined) {
    const side = (body: string, response: unknown): DifferenceSide => ({
      shape: response === undefined ? 'no JSON object' : 'a JSON object',
      ...(found.rules.values && { value: shortened(body) }),
    });
    found.add('not-json', root, side(a.body, left), side(b.body, right));
    return;
  }
  if (a.body === b.body) return;
  compareMember(left, right, 'data', root, found);
  compareErrors(left['errors'] ?? null, right['errors'] ?? null, found);
}

function responseOf(body: string, parse: typeof parseExactJson): ExactObject | undefined {
  try {
    const value = parse(body);
    return typeOf(value) === 'object' ? (value as ExactObject) : undefined;
  } catch {
    return undefined;
  }
}

function compareMember(
  a: ExactObject,
  b: ExactObject,
  name: string,
  position: Position,
  found: Differences,
): void {
  const [inA, inB] = [Object.hasOwn(a, name), Object.hasOwn(b, name)];
  if (inA && inB) compareValues(a[name]!, b[name]!, position, found);
  else if (inA) found.add('missing', position, found.sideOf(a[name]!), absent);
  else if (inB) found.add('extra', position, absent, found.sideOf(b[name]!));
}

const absent: DifferenceSide = { shape: 'nothing' };

function compareValues(a: ExactJson, b: ExactJson, position: Position, found: Differences): void {
  if (a === b || found.isFull) return;
  const kind = kindBetween(a, b, position);
  if (kind !== undefined) found.add(kind, position, found.sideOf(a), found.sideOf(b));
  else if (typeOf(a) === 'list') compareLists(a as List, b as List, position, found);
  else compareObjects(a as ExactObject, b as ExactObject, position, found);
}

type List = readonly ExactJson[];

/** How two values differ; undefined for objects and lists whose members are to be compared. */
function kindBetween(a: ExactJson, b: ExactJson, { depth }: Position): DifferenceKind | undefined {
  const type = typeOf(a);
  if (a === null || b === null) return 'null';
  if (type !== typeOf(b)) return 'type';
  if (type === 'number') return isSameNumber(a as string, b as string) ? 'number' : 'value';
  if (type !== 'object' && type !== 'list') return 'value';
  if (depth >= deepest) return 'depth';
  // Which item is missing is not known: items behind it would all be different.
  return type === 'list' && (a as List).length !== (b as List).length ? 'length' : undefined;
}

function compareLists(a: List, b: List, position: Position, found: Differences): void {
  if (found.rules.isUnordered(position)) {
    compareUnordered(a, b, position, found);
    return;
  }
  const before = found.count;
  for (const [i, item] of a.entries()) compareValues(item, b[i]!, positionIn(position, i), found);
  if (found.count === before || !haveSameItems(a, b, position, found.rules)) return;
  found.backTo(before);
  found.add('order', position, found.sideOf(a), found.sideOf(b));
}

function compareObjects(a: ExactObject, b: ExactObject, position: Position, found: Differences): void {
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const field = positionIn(position, name);
    if (!found.rules.isIgnored(field)) compareMember(a, b, name, field, found);
  }
}

/** Items without an equal one on the other side are compared with each other, in their order. */
function compareUnordered(a: List, b: List, position: Position, found: Differences): void {
  const keyOf = (item: ExactJson): string => canonicalText(item, positionIn(position, 0), found.rules);
  const rest = new Map<string, ExactJson[]>();
  for (const item of b) {
    const key = keyOf(item);
    const same = rest.get(key);
    if (same === undefined) rest.set(key, [item]);
    else same.push(item);
  }
  const unmatched = [...a.entries()].filter(([, item]) => rest.get(keyOf(item))?.pop() === undefined);
  const others = [...rest.values()].flat();
  for (const [n, [i, item]] of unmatched.entries())
    compareValues(item, others[n]!, positionIn(position, i), found);
}
