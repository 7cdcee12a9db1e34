import { isMap } from '../../options/is-map';
import type { Meter } from '../../telemetry/metrics/meter';
import type { VariableValues } from '../variables';
import type { OperationCost } from './operation-cost';

/** A part of an answer: `data` of the first one, and what later ones add to it, in JSON. */
export interface CostedPart {
  readonly data: Buffer;
  readonly part: {
    readonly incremental: readonly {
      readonly fragment: { readonly path: readonly (string | number)[] };
      readonly subPath: readonly (string | number)[];
      readonly data: Buffer;
    }[];
    readonly hasNext: boolean;
  };
}

export interface CostReport {
  whole(cost: OperationCost, variables: VariableValues, data: Buffer): void;
  /** Records an operation when its last part is given to what is returned. Undefined if it is not recorded. */
  inParts(cost: OperationCost, variables: VariableValues): ((part: CostedPart) => void) | undefined;
}

/** Records the estimated and the actual cost of one operation per second, as reading an answer takes time. */
export function createCostReport(meter: Meter): CostReport {
  const costs = meter.histogram('weir.operation.cost');
  let due = 0;
  const isDue = (): boolean => {
    const now = performance.now();
    if (now < due) return false;
    due = now + pause;
    return true;
  };
  const record = (cost: OperationCost, variables: VariableValues, data: unknown): void => {
    costs.of({ kind: 'estimated' }).record(cost.estimate(variables).cost);
    costs.of({ kind: 'actual' }).record(cost.actual(data));
  };
  return {
    whole(cost, variables, data) {
      if (isDue()) record(cost, variables, read(data));
    },
    inParts(cost, variables) {
      if (!isDue()) return undefined;
      let all: unknown;
      return ({ data, part: { incremental, hasNext } }) => {
        if (data.length > 0) all = read(data);
        for (const { fragment, subPath, data: added } of incremental)
          merge(valueAt(all, [...fragment.path, ...subPath]), read(added));
        if (!hasNext) record(cost, variables, all);
      };
    },
  };
}

const read = (json: Buffer): unknown => JSON.parse(json.toString());

/** Aliases may be `__proto__`. */
const valueAt = (data: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((value, key) => {
    const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    return isThere ? (value as Record<string | number, unknown>)[key] : undefined;
  }, data);

/** Adds the members of one value to another, which may have some of them. */
function merge(known: unknown, added: unknown): void {
  if (Array.isArray(known) && Array.isArray(added))
    for (const [i, item] of added.entries()) merge(known[i], item);
  else if (isMap(known) && isMap(added))
    for (const [key, value] of Object.entries(added))
      if (Object.hasOwn(known, key) && typeof known[key] === 'object') merge(known[key], value);
      else Object.defineProperty(known, key, { value, enumerable: true, configurable: true });
}

/** Milliseconds between two recorded operations. */
const pause = 1_000;
