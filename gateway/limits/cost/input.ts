import {
  getNullableType,
  type GraphQLInputType,
  isInputObjectType,
  isListType,
  Kind,
  type ValueNode,
} from 'graphql';
import type { VariableValues } from '../variables';

export type Weights = ReadonlyMap<string, number>;

/** The cost of a value of an input type; undefined for a type without cost. */
export type CostOfValue = (value: ValueNode, variables: VariableValues) => number;

/**
 * An input object costs 1 or its `@cost`, its fields cost their `@cost`, and everything else costs nothing.
 *
 * @param own the `@cost` of the argument or field with this type
 */
export function compileInputCost(
  type: GraphQLInputType,
  own: number | undefined,
  weights: Weights,
): CostOfValue | undefined {
  if (!costs(type, own, weights)) return undefined;
  return (node, variables) => ofNode(type, own, node, variables);

  function ofNode(
    at: GraphQLInputType,
    weight: number | undefined,
    node: ValueNode,
    variables: VariableValues,
  ): number {
    const nullable = getNullableType(at);
    if (node.kind === Kind.NULL) return 0;
    if (node.kind === Kind.VARIABLE) return ofValue(at, weight, variables[node.name.value]);
    if (isListType(nullable)) {
      const items = node.kind === Kind.LIST ? node.values : [node];
      return items.reduce((sum, item) => sum + ofNode(nullable.ofType, weight, item, variables), 0);
    }
    let cost = weight ?? weightOf(nullable, weights);
    if (!isInputObjectType(nullable) || node.kind !== Kind.OBJECT) return cost;
    const fields = nullable.getFields();
    for (const { name, value } of node.fields) {
      const field = fields[name.value];
      if (field === undefined) continue;
      cost += ofNode(field.type, weights.get(`${nullable.name}.${field.name}`), value, variables);
    }
    return cost;
  }

  function ofValue(at: GraphQLInputType, weight: number | undefined, value: unknown): number {
    if (value === undefined || value === null) return 0;
    const nullable = getNullableType(at);
    if (isListType(nullable)) {
      const items: readonly unknown[] = Array.isArray(value) ? value : [value];
      return items.reduce<number>((sum, item) => sum + ofValue(nullable.ofType, weight, item), 0);
    }
    let cost = weight ?? weightOf(nullable, weights);
    if (!isInputObjectType(nullable) || typeof value !== 'object') return cost;
    const fields = nullable.getFields();
    for (const [name, member] of Object.entries(value)) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (field !== undefined) cost += ofValue(field.type, weights.get(`${nullable.name}.${name}`), member);
    }
    return cost;
  }
}

function weightOf(type: GraphQLInputType, weights: Weights): number {
  return weights.get(String(type)) ?? (isInputObjectType(type) ? 1 : 0);
}

/** Whether a value of this type can cost anything. An input object always does: `@cost` is not for it. */
function costs(type: GraphQLInputType, own: number | undefined, weights: Weights): boolean {
  if (own !== undefined && own !== 0) return true;
  const nullable = getNullableType(type);
  if (isListType(nullable)) return costs(nullable.ofType, own, weights);
  return isInputObjectType(nullable) || weightOf(nullable, weights) !== 0;
}
