import { claimAt } from '../auth/claim';
import type { Options } from '../options';
import type { DomainEvent } from './domain-event';
import { compilePath, isScalar, type Scalar } from './event-path';

type FieldOptions = Options['events']['subscriptions'][string];
type FilterConditions = FieldOptions['only'];
type Operator = keyof FilterConditions[string];
/** A value in a filter: as it stands there, or of an argument or a claim. */
type FilterOperand = Scalar | readonly Scalar[];

/** What the values in a filter come from. */
export interface FilterContext {
  readonly args: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A filter with the values of one client. */
export interface BoundFilter {
  /** Equal for two filters that let the same events through. */
  readonly scope: string;
  readonly matches: (event: DomainEvent) => boolean;
}

/** A filter has no value for a client, who must therefore not subscribe. */
export class MissingFilterValue extends Error {
  override readonly name = 'MissingFilterValue';

  constructor(
    readonly of: 'argument' | 'claim',
    message: string,
  ) {
    super(message);
  }
}

/** The arguments that a filter names. */
export function argumentsIn({ filter }: Pick<FieldOptions, 'filter'>): string[] {
  const values = filter.flatMap((group) =>
    Object.values(group).flatMap((each) => Object.values(each).flat()),
  );
  const names = values.flatMap((value) => {
    const found = placeholderIn(value);
    return found?.of === 'args' ? [found.name.split('.', 1)[0]!] : [];
  });
  return [...new Set(names)];
}

/**
 * Binds a filter to a client: all conditions of one of the groups of `filter`, and those of `only`. A condition whose value is
 * not in the event, or is of another kind, does not hold. Throws `MissingFilterValue`.
 */
export function bindFilter(
  { filter, only }: Pick<FieldOptions, 'filter' | 'only'>,
  context: FilterContext,
): BoundFilter {
  const groups = filter.map((group) => bindConditions(group, context));
  const always = bindConditions(only, context);
  const allOf = (conditions: readonly BoundCondition[]) => (event: DomainEvent) =>
    conditions.every(({ holds }) => holds(event));
  const anyGroup = groups.map(allOf);
  const isAlways = allOf(always);
  const scopeOf = (conditions: readonly BoundCondition[]) => conditions.map(({ scope }) => scope);
  return {
    scope: JSON.stringify([groups.map(scopeOf), scopeOf(always)]),
    matches: (event) => isAlways(event) && (anyGroup.length === 0 || anyGroup.some((holds) => holds(event))),
  };
}

interface BoundCondition {
  readonly scope: readonly unknown[];
  readonly holds: (event: DomainEvent) => boolean;
}

function bindConditions(conditions: FilterConditions, context: FilterContext): BoundCondition[] {
  return Object.entries(conditions).flatMap(([path, operators]) => {
    const read = compilePath(path);
    return Object.entries(operators).flatMap(([operator, written]): BoundCondition[] => {
      if (written === undefined) return [];
      const operand = resolve(operator as Operator, written, context);
      if (operand === undefined) return [];
      const holds = tests[operator as Operator](operand as never);
      return [{ scope: [path, operator, operand], holds: (event) => holds(read(event)[0]) }];
    });
  });
}

/** The most values of a list that a client gives. */
const most = 1000;

/** The value of a condition for a client; undefined if there is none, and need not be one. */
function resolve(
  operator: Operator,
  written: FilterOperand,
  { args, claims }: FilterContext,
): FilterOperand | undefined {
  const found = placeholderIn(written);
  if (found === undefined) return written;
  const { of, name, isOptional } = found;
  const what = of === 'args' ? `The argument \`${name}\`` : `The claim \`${name}\``;
  const kind = of === 'args' ? 'argument' : 'claim';
  const value = claimAt(of === 'args' ? args : claims, name);
  if (value === undefined || value === null) {
    if (isOptional) return undefined;
    throw new MissingFilterValue(kind, `${what} is needed: it says which events are wanted.`);
  }
  const wanted = lists.has(operator)
    ? 'a list of texts, numbers or booleans'
    : 'a text, a number or a boolean';
  if (lists.has(operator)) {
    const values = [value].flat() as unknown[];
    if (values.length > most)
      throw new MissingFilterValue(kind, `${what} has ${values.length} values; ${most} is the limit.`);
    if (values.every(isScalar) && (operator !== 'between' || values.length === 2)) return values;
  } else if (isScalar(value)) return value;
  throw new MissingFilterValue(
    kind,
    `${what} must be ${operator === 'between' ? 'a list of two values' : wanted}.`,
  );
}

const lists: ReadonlySet<Operator> = new Set<Operator>(['in', 'notIn', 'between', 'containsAny']);

function placeholderIn(value: unknown) {
  const [, of, name, optional] =
    (typeof value === 'string' && /^\{\$(args|claims)\.([^{}?]+)(\??)\}$/.exec(value)) || [];
  if (of === undefined) return undefined;
  return { of: of as 'args' | 'claims', name: name!, isOptional: optional === '?' };
}

type OperandTest<Value> = (operand: Value) => (value: unknown) => boolean;

const compare =
  (holds: (order: number) => boolean): OperandTest<Scalar> =>
  (operand) =>
  (value) => {
    const order = orderOf(value, operand);
    return order !== undefined && holds(order);
  };

const contains = (value: unknown, part: Scalar): boolean | undefined => {
  if (Array.isArray(value)) return value.some((each) => isSame(each, part));
  return typeof value === 'string' && typeof part === 'string' ? value.includes(part) : undefined;
};

/** As AppSync's enhanced filtering has them. */
const tests: {
  readonly [Name in Operator]-?: OperandTest<
    Name extends 'in' | 'notIn' | 'between' | 'containsAny' ? readonly Scalar[] : Scalar
  >;
} = {
  eq: (operand) => (value) => isSame(value, operand),
  ne: (operand) => (value) => isScalar(value) && !isSame(value, operand),
  le: compare((order) => order <= 0),
  lt: compare((order) => order < 0),
  ge: compare((order) => order >= 0),
  gt: compare((order) => order > 0),
  contains: (operand) => (value) => contains(value, operand) === true,
  notContains: (operand) => (value) => contains(value, operand) === false,
  beginsWith: (operand) => (value) => typeof value === 'string' && value.startsWith(String(operand)),
  in: (operands) => isOneOf(operands),
  notIn: (operands) => {
    const isOne = isOneOf(operands);
    return (value) => isScalar(value) && !isOne(value);
  },
  between:
    ([low, high]) =>
    (value) =>
      (orderOf(value, low!) ?? -1) >= 0 && (orderOf(value, high!) ?? 1) <= 0,
  containsAny: (operands) => {
    const isOne = isOneOf(operands);
    return (value) => Array.isArray(value) && value.some(isOne);
  },
};

/** Numbers and texts of the same digits are the same, as they are the same `ID`. */
const isSame = (value: unknown, other: Scalar): boolean =>
  typeof value === 'boolean' || typeof other === 'boolean'
    ? value === other
    : isScalar(value) && String(value) === String(other);

function isOneOf(operands: readonly Scalar[]): (value: unknown) => boolean {
  const texts = new Set(operands.filter((each) => typeof each !== 'boolean').map(String));
  const flags = new Set(operands.filter((each) => typeof each === 'boolean'));
  return (value) =>
    typeof value === 'boolean' ? flags.has(value) : isScalar(value) && texts.has(String(value));
}

/** Below 0 where the value is less. Undefined unless both are numbers, or both are texts. */
function orderOf(value: unknown, other: Scalar): number | undefined {
  if (typeof value === 'number' && typeof other === 'number') return value - other;
  if (typeof value !== 'string' || typeof other !== 'string') return undefined;
  return value < other ? -1 : value > other ? 1 : 0;
}
