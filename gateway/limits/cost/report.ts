import { performance } from 'node:perf_hooks';
import type { Meter } from '../../telemetry/meter';
import type { OperationCost } from './operation-cost';

/** Records the estimated and the actual cost of one operation per second, as reading an answer takes time. */
export function createCostReport(
  meter: Meter,
): (cost: OperationCost, variables: Readonly<Record<string, unknown>>, data: Buffer) => void {
  const costs = meter.histogram('weir.operation.cost');
  let due = 0;
  return (cost, variables, data) => {
    const now = performance.now();
    if (now < due) return;
    due = now + pause;
    costs.of({ kind: 'estimated' }).record(cost.estimate(variables).cost);
    costs.of({ kind: 'actual' }).record(cost.actual(JSON.parse(data.toString())));
  };
}

/** Milliseconds between two recorded operations. */
const pause = 1_000;
