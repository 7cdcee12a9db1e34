import { Test, type Condition } from './condition';
import { type Change, type SortCondition } from './table';

/** The parts of a command that expressions refer to by placeholder. */
export interface Placeholders {
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, unknown>;
}

/**
 * Collects names and values of a command's expressions. Every name goes through a placeholder: DynamoDB reserves 573
 * words, `name`, `status` and `count` among them.
 */
export function createExpressions() {
  const names = new Map<string, string>();
  const values: Record<string, unknown> = {};
  let valueCount = 0;

  function name(attribute: string): string {
    let placeholder = names.get(attribute);
    if (placeholder === undefined) names.set(attribute, (placeholder = `#n${names.size}`));
    return placeholder;
  }
  function value(of: unknown): string {
    const placeholder = `:v${valueCount++}`;
    values[placeholder] = of;
    return placeholder;
  }
  const placeholders = (): Placeholders => ({
    ...(names.size > 0 && {
      ExpressionAttributeNames: Object.fromEntries([...names].map(([attribute, key]) => [key, attribute])),
    }),
    ...(valueCount > 0 && { ExpressionAttributeValues: values }),
  });
  return { name, value, placeholders };
}

export type Expressions = ReturnType<typeof createExpressions>;

/** The condition as an expression; `undefined` when it tests nothing. */
export function conditionExpression<Item>(
  condition: Condition<Item> | undefined,
  expressions: Expressions,
): string | undefined {
  const alternatives = (Array.isArray(condition) ? condition : [condition ?? {}]) as Record<
    string,
    unknown
  >[];
  const texts = alternatives.map((tests) =>
    Object.entries(tests)
      .filter(([, test]) => test !== undefined)
      .map(([attribute, test]) =>
        testExpression(attribute, test instanceof Test ? test : new Test('is', test), expressions),
      )
      .join(' AND '),
  );
  if (texts.some((text) => text === '')) return undefined;
  return texts.length === 1 ? texts[0] : texts.map((text) => `(${text})`).join(' OR ');
}

function testExpression(attribute: string, { kind, operand }: Test, { name, value }: Expressions): string {
  const path = name(attribute);
  switch (kind) {
    case 'is':
      return `${path} = ${value(operand)}`;
    case 'not':
      return `${path} <> ${value(operand)}`;
    case 'exists':
      return `attribute_exists(${path})`;
    case 'missing':
      return `attribute_not_exists(${path})`;
    case 'atLeast':
      return `${path} >= ${value(operand)}`;
    case 'atMost':
      return `${path} <= ${value(operand)}`;
    case 'hasEntry':
      return `attribute_exists(${path}.${name(String(operand))})`;
    case 'lacksEntry':
      return `attribute_not_exists(${path}.${name(String(operand))})`;
    default:
      return kind satisfies never;
  }
}

/** `SET … REMOVE …` for a change. */
export function updateExpression<Item>(change: Change<Item>, { name, value }: Expressions): string {
  const set = [
    ...entries(change.set).map(([attribute, to]) => `${name(attribute)} = ${value(to)}`),
    ...entries(change.add).map(
      ([attribute, by]) =>
        `${name(attribute)} = if_not_exists(${name(attribute)}, ${value(0)}) + ${value(by)}`,
    ),
    ...entries(change.append).map(
      ([attribute, items]) =>
        `${name(attribute)} = list_append(if_not_exists(${name(attribute)}, ${value([])}), ${value(items)})`,
    ),
    ...entries(change.setEntries).flatMap(([attribute, map]) =>
      Object.entries(map as object).map(([entry, to]) => `${name(attribute)}.${name(entry)} = ${value(to)}`),
    ),
  ];
  const remove = [
    ...(change.remove ?? []).map(name),
    ...entries(change.removeEntries).flatMap(([attribute, names]) =>
      (names as readonly string[]).map((entry) => `${name(attribute)}.${name(entry)}`),
    ),
  ];
  if (set.length + remove.length === 0)
    throw new TypeError('A change must change something, but got an empty one.');
  return [set.length > 0 && `SET ${set.join(', ')}`, remove.length > 0 && `REMOVE ${remove.join(', ')}`]
    .filter(Boolean)
    .join(' ');
}

function entries(changes: object | undefined): [string, unknown][] {
  return Object.entries(changes ?? {}).filter(([, to]) => to !== undefined);
}

/** `partition = … AND sort …` for a query. */
export function keyConditionExpression(
  partition: { readonly attribute: string; readonly value: string },
  sort: { readonly attribute: string; readonly condition: SortCondition } | undefined,
  { name, value }: Expressions,
): string {
  const equals = `${name(partition.attribute)} = ${value(partition.value)}`;
  if (!sort) return equals;
  const path = name(sort.attribute);
  const { condition } = sort;
  if ('equals' in condition) return `${equals} AND ${path} = ${value(condition.equals)}`;
  if ('beginsWith' in condition) return `${equals} AND begins_with(${path}, ${value(condition.beginsWith)})`;
  if ('atLeast' in condition) return `${equals} AND ${path} >= ${value(condition.atLeast)}`;
  if ('atMost' in condition) return `${equals} AND ${path} <= ${value(condition.atMost)}`;
  const [low, high] = condition.between;
  return `${equals} AND ${path} BETWEEN ${value(low)} AND ${value(high)}`;
}
