import type { CostField } from './compile';
import type { VariableValues } from '../variables';
import { hasVariables } from './size-argument';

export interface Estimate {
  readonly cost: number;
  /** The longest list that an argument requests; undefined if there is none. */
  readonly longest: RequestedList | undefined;
  /** A field without the argument for its list's length that the schema requires. */
  readonly unsliced: string | undefined;
}

export interface RequestedList {
  /** Its coordinate, such as `Query.users`. */
  readonly field: string;
  readonly size: number;
}

/** The estimated cost of fields. Each root field costs `surcharge` more. */
export function estimateCost(
  fields: readonly CostField[],
  variables: VariableValues,
  surcharge: number,
): Estimate {
  const found: Findings = { longest: undefined, unsliced: undefined };
  const scope = { variables, found };
  let cost = 0;
  for (const field of fields)
    if (isSelected(field, scope)) cost += surcharge + costOf(field, scope, undefined);
  return { cost: Math.round(cost), ...found };
}

export const dependsOnVariables = ({ node, conditions, children }: CostField): boolean =>
  conditions.length > 0 ||
  (node.arguments ?? []).some(({ value }) => hasVariables(value)) ||
  children.some(dependsOnVariables);

interface Findings {
  longest: RequestedList | undefined;
  unsliced: string | undefined;
}

interface Scope {
  readonly variables: VariableValues;
  readonly found: Findings;
}

function costOf(field: CostField, scope: Scope, inherited: number | undefined): number {
  if (!isSelected(field, scope)) return 0;
  const size = sizeOf(field, scope, inherited);
  const { sizedFields } = field.slicing ?? {};
  let item = field.weight;
  for (const child of field.children)
    item += costOf(child, scope, sizedFields?.has(child.name) === true ? size.passed : undefined);
  let cost = Math.min(item * size.own, most);
  for (const { argument, cost: costOfValue } of field.inputs) {
    const given = field.node.arguments?.find(({ name }) => name.value === argument);
    if (given !== undefined) cost += costOfValue(given.value, scope.variables);
  }
  return cost;
}

/** The number of items of a field, and of the lists in `sizedFields` below it. */
function sizeOf(
  { slicing, sizes, isList: isOne, coordinate, assumedSize }: CostField,
  { variables, found }: Scope,
  inherited: number | undefined,
): { readonly own: number; readonly passed: number | undefined } {
  let requested: number | undefined;
  let count = 0;
  for (const sizeOfArgument of sizes) {
    const numbers = sizeOfArgument(variables);
    if (numbers.length > 0) count++;
    // Values below 1 count as not given, as 0 or -1 means "all" to some subgraphs.
    const size = numbers.find((number) => number >= 1);
    if (size !== undefined) requested = Math.max(requested ?? 0, Math.min(size, most));
  }
  if (slicing?.requiresOne === true && count !== 1) found.unsliced ??= coordinate;
  if (requested !== undefined && requested > (found.longest?.size ?? 0))
    found.longest = { field: coordinate, size: requested };
  const known = requested ?? slicing?.assumed;
  const isSelf = slicing?.sizedFields === undefined;
  return {
    own: isOne ? ((isSelf ? known : undefined) ?? inherited ?? assumedSize) : 1,
    passed: isSelf ? undefined : known,
  };
}

const isSelected = ({ conditions }: CostField, { variables }: Scope): boolean =>
  conditions.length === 0 ||
  conditions.some((all) => all.every(({ variable, must }) => (variables[variable] === true) === must));

/** The bound of lengths and costs. Without it, 0 times infinity would be NaN. */
const most = Number.MAX_SAFE_INTEGER;
