import { type default as Dynalite } from 'dynalite/db/index.js';

/** A value as DynamoDB's JSON has it: one member, named for its type. */
export type Value = { readonly [Type in ValueType]?: unknown };
export type Item = Readonly<Record<string, Value>>;
type ValueType = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'SS' | 'NS' | 'BS' | 'L' | 'M';
type Path = readonly (string | number)[];

/** A parsed condition, as dynalite's parser makes it. An operand that is an array is a path. */
interface Expression {
  readonly type: string;
  /** Of a `function`. */
  readonly name?: string;
  readonly args: readonly Operand[];
}
type Operand = Path | Value | Expression;

/**
 * Corrects dynalite, whose conditions compare maps and lists by identity, binary values as text, strings by UTF-16, and
 * find what every JavaScript object inherits (`constructor`); and which counts the characters of an item, not its bytes.
 * What DynamoDB does: test/contracts/dynamodb-conditions.test.ts.
 */
export function correctDynalite(db: typeof Dynalite): void {
  if (corrected.has(db)) return;
  corrected.add(db);
  const { checkConditional, itemSize } = db;
  db.mapPath = valueAt;
  db.checkConditional = (data, item) => {
    const condition = (data as { _condition?: { expression: Expression } })._condition?.expression;
    if (condition === undefined) return checkConditional(data, item);
    const misused = misuseIn(condition);
    if (misused !== undefined) return db.validationError(`Invalid ConditionExpression: ${misused}`);
    // Without a condition of its own, `Expected` makes dynalite's error.
    return holds(condition, item ?? {}) ? null : checkConditional({ Expected: never }, {});
  };
  db.itemSize = (item, compress, ...rest) =>
    itemSize(item, compress, ...rest) + (compress ? 0 : bytesBeyondCharacters({ M: item }));
}

const corrected = new WeakSet<object>();
const never = { '': { ComparisonOperator: 'NOT_NULL' } };

function holds(expression: Expression, item: Item): boolean {
  const { type, args } = expression;
  switch (type) {
    case 'and':
      return args.every((arg) => holds(arg as Expression, item));
    case 'or':
      return args.some((arg) => holds(arg as Expression, item));
    case 'not':
      return !holds(args[0] as Expression, item);
    default:
      return compare(
        expression.name ?? type,
        args.map((arg) => resolve(arg, item)),
      );
  }
}

function compare(operator: string, [value, operand, upper, ...more]: (Value | undefined)[]): boolean {
  switch (operator) {
    case 'attribute_exists':
      return value !== undefined;
    case 'attribute_not_exists':
      return value === undefined;
    case 'attribute_type':
      return value !== undefined && typeOf(value) === operand?.S;
    case '=':
      return isEqual(value, operand);
    case '<>':
      return !isEqual(value, operand);
    case '<':
      return ranked(value, operand, (rank) => rank < 0);
    case '<=':
      return ranked(value, operand, (rank) => rank <= 0);
    case '>':
      return ranked(value, operand, (rank) => rank > 0);
    case '>=':
      return ranked(value, operand, (rank) => rank >= 0);
    case 'between':
      return ranked(value, operand, (rank) => rank >= 0) && ranked(value, upper, (rank) => rank <= 0);
    case 'in':
      return [operand, upper, ...more].some((each) => isEqual(value, each));
    case 'begins_with':
      return beginsWith(value, operand);
    case 'contains':
      return contains(value, operand);
    default:
      throw new Error(`The embedded DynamoDB has no operator "${operator}".`);
  }
}

function resolve(operand: Operand, item: Item): Value | undefined {
  if (isPath(operand)) return valueAt(operand, item);
  if (!isExpression(operand)) return operand;
  const size = sizeOf(resolve(operand.args[0]!, item));
  return size === undefined ? undefined : { N: String(size) };
}

/** Own members only. */
function valueAt(path: Path, item: Item): Value | undefined {
  let value: Value | undefined = { M: item };
  for (const piece of path) {
    const within: unknown = typeof piece === 'number' ? value.L : value.M;
    if (within === undefined || !Object.hasOwn(within as object, piece)) return undefined;
    value = (within as Record<string | number, Value>)[piece]!;
  }
  return value;
}

function isEqual(one: Value | undefined, other: Value | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const type = typeOf(one);
  if (type !== typeOf(other)) return false;
  const [a, b] = [one[type], other[type]];
  switch (type) {
    case 'L': {
      const [left, right] = [a as Value[], b as Value[]];
      return left.length === right.length && left.every((element, i) => isEqual(element, right[i]));
    }
    case 'M': {
      const [left, right] = [a as Item, b as Item];
      const names = Object.keys(left);
      return (
        names.length === Object.keys(right).length &&
        names.every((name) => Object.hasOwn(right, name) && isEqual(left[name], right[name]))
      );
    }
    case 'SS':
    case 'NS':
    case 'BS': {
      const [left, right] = [elements(one), elements(other)];
      return (
        left.length === right.length && left.every((element) => right.some((each) => isEqual(element, each)))
      );
    }
    case 'N':
      return canonical(a) === canonical(b);
    case 'S':
    case 'B':
    case 'BOOL':
    case 'NULL':
      return a === b;
    default:
      return type satisfies never;
  }
}

/** The parser has every number in plain notation, without needless zeros; there is one zero. */
const canonical = (number: unknown): unknown => (number === '-0' ? '0' : number);

/** Negative where the first number is less, as for `sort`. */
function rankOf(one: string, other: string): number {
  const [[whole, fraction = ''], [otherWhole, otherFraction = '']] = [one.split('.'), other.split('.')] as [
    [string, string?],
    [string, string?],
  ];
  const digits = Math.max(fraction.length, otherFraction.length);
  const [a, b] = [
    BigInt(whole + fraction.padEnd(digits, '0')),
    BigInt(otherWhole + otherFraction.padEnd(digits, '0')),
  ];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How a value stands to another of its type; false for what has no order. */
function ranked(one: Value | undefined, other: Value | undefined, test: (rank: number) => boolean): boolean {
  if (one === undefined || other === undefined) return false;
  if (one.N !== undefined && other.N !== undefined) return test(rankOf(one.N as string, other.N as string));
  const [a, b] = [bytesOf(one), bytesOf(other)];
  return a !== undefined && b !== undefined && typeOf(one) === typeOf(other) && test(Buffer.compare(a, b));
}

function beginsWith(value: Value | undefined, start: Value | undefined): boolean {
  const [all, first] = [bytesOf(value), bytesOf(start)];
  if (!all || !first || typeOf(value!) !== typeOf(start!)) return false;
  return all.subarray(0, first.length).equals(first);
}

function contains(value: Value | undefined, part: Value | undefined): boolean {
  if (value === undefined || part === undefined) return false;
  const [all, some] = [bytesOf(value), bytesOf(part)];
  if (all) return some !== undefined && typeOf(value) === typeOf(part) && all.includes(some);
  return elements(value).some((element) => isEqual(element, part));
}

/** Of strings characters, of binary values bytes, else elements or entries; nothing else has a size. */
function sizeOf(value: Value | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (value.S !== undefined) return (value.S as string).length;
  if (value.B !== undefined) return bytesOf(value)!.length;
  if (value.M !== undefined) return Object.keys(value.M as object).length;
  return value.L === undefined && !/S$/.test(typeOf(value)) ? undefined : elements(value).length;
}

/** The elements of a list or a set, as values. */
function elements(value: Value): Value[] {
  if (value.L !== undefined) return value.L as Value[];
  const type = typeOf(value);
  const of = type.slice(0, 1) as ValueType;
  return /^[SNB]S$/.test(type) ? (value[type] as string[]).map((element) => ({ [of]: element })) : [];
}

/** Strings are compared by their UTF-8. */
function bytesOf(value: Value | undefined): Buffer | undefined {
  if (value?.S !== undefined) return Buffer.from(value.S as string);
  return value?.B === undefined ? undefined : Buffer.from(value.B as string, 'base64');
}

/** DynamoDB refuses to compare with a value that has no order, and so does not leave a condition that never holds. */
function misuseIn({ type, args }: Expression): string | undefined {
  if (/^(?:and|or|not)$/.test(type))
    return args.map((arg) => misuseIn(arg as Expression)).find((misuse) => misuse !== undefined);
  if (!/^(?:[<>]=?|between)$/.test(type)) return undefined;
  const misused = args.find((arg): arg is Value => !isPath(arg) && !isExpression(arg) && !hasOrder(arg));
  return (
    misused &&
    `Incorrect operand type for operator or function; operator or function: ${type.toUpperCase()}, operand type: ${typeOf(misused)}`
  );
}

const hasOrder = (value: Value): boolean => /^[SNB]$/.test(typeOf(value));
const typeOf = (value: Value): ValueType => Object.keys(value)[0] as ValueType;
const isPath = (operand: Operand): operand is Path => Array.isArray(operand);
const isExpression = (operand: Operand): operand is Expression => 'args' in operand;

/** How many bytes more than characters the strings and names of a value have. */
function bytesBeyondCharacters(value: Value): number {
  if (value.S !== undefined) return beyond(value.S as string);
  if (value.M === undefined)
    return elements(value).reduce((sum, element) => sum + bytesBeyondCharacters(element), 0);
  return Object.entries(value.M as Item).reduce(
    (sum, [name, of]) => sum + beyond(name) + bytesBeyondCharacters(of),
    0,
  );
}

const beyond = (text: string): number => Buffer.byteLength(text) - text.length;
