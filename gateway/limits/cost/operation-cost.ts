/**
 * The cost of an operation, as in IBM's "GraphQL Cost Directives" and https://specs.apollo.dev/cost/v0.1: an object
 * costs 1 (or the `@cost` of its field or type), a scalar 0, a list its length times the cost of one item, and each
 * root field of a mutation 10 more. Before the operation runs, the lengths of lists come from arguments.
 */
import {
  type DocumentNode,
  type OperationDefinitionNode,
  OperationTypeNode,
  valueFromASTUntyped,
} from 'graphql';
import { compileCostFields, type CostField, type CostOptions } from './compile';
import { dependsOnVariables, type Estimate, estimateCost } from './estimate';
import type { VariableValues } from '../variables';

export type { CostOptions };

export interface OperationCost {
  readonly estimate: (variables: VariableValues) => Estimate;
  readonly actual: (data: unknown) => number;
}

/** @param document valid for the schema */
export function compileOperationCost(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  options: CostOptions,
): OperationCost {
  const root = options.schema.getRootType(operation.operation)!;
  const fields = compileCostFields(document, root, operation.selectionSet, options);
  const surcharge = operation.operation === OperationTypeNode.MUTATION ? costOfMutation : 0;
  const defaults = defaultsOf(operation);
  const constant = fields.some(dependsOnVariables) ? undefined : estimateCost(fields, defaults, surcharge);
  return {
    // Without a prototype, as a missing variable may be named `constructor`.
    estimate: (variables) =>
      constant ??
      estimateCost(fields, Object.assign(Object.create(null) as object, defaults, variables), surcharge),
    actual: (data) => Math.round(actualCost(fields, data) + surcharge * countOf(data)),
  };
}

/** The cost of each root field, in addition to its result. */
const costOfMutation = 10;

const countOf = (data: unknown): number =>
  typeof data === 'object' && data !== null ? Object.keys(data).length : 0;

function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): VariableValues {
  return Object.fromEntries(
    variableDefinitions
      .filter(({ defaultValue }) => defaultValue !== undefined)
      .map(({ variable, defaultValue }) => [variable.name.value, valueFromASTUntyped(defaultValue!)]),
  );
}

function actualCost(fields: readonly CostField[], data: unknown): number {
  if (Array.isArray(data)) return data.reduce<number>((sum, item) => sum + actualCost(fields, item), 0);
  if (typeof data !== 'object' || data === null) return 0;
  const counted = new Map<string, CostField[]>();
  for (const field of fields) {
    const others = counted.get(field.responseKey);
    if (others === undefined) counted.set(field.responseKey, [field]);
    else others.push(field);
  }
  let cost = 0;
  for (const [key, ways] of counted) {
    const value = Object.hasOwn(data, key) ? (data as Record<string, unknown>)[key] : undefined;
    if (value === undefined || value === null) continue;
    const weight = Math.max(...ways.map((way) => way.weight));
    const children = ways.flatMap((way) => way.children);
    cost += weight * countItems(value) + actualCost(children, value);
  }
  return cost;
}

const countItems = (value: unknown): number =>
  Array.isArray(value)
    ? value.reduce<number>((sum, item) => sum + countItems(item), 0)
    : value === null
      ? 0
      : 1;
