import type { CostField } from './compile';

export function actualCost(fields: readonly CostField[], data: unknown): number {
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
