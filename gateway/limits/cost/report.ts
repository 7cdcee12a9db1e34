import { performance } from 'node:perf_hooks';
import type { Meter } from '../../telemetry/meter';
import type { OperationCost } from './operation-cost';

/** Records what operations were estimated to cost, and did cost, of one in a second: looking at an answer takes time. */
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

/** Milliseconds. */
const pause = 1_000;
