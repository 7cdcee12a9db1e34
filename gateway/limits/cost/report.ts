import { performance } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import type { OperationCost } from './operation-cost';

/** Records what operations were estimated to cost, and did cost, of one in a second: looking at an answer takes time. */
export function createCostReport(
  meter: Meter,
): (cost: OperationCost, variables: Readonly<Record<string, unknown>>, data: Buffer) => void {
  const histogram = meter.createHistogram('weir.operation.cost', {
    description: 'What operations cost, of a sample: `estimated` before they ran, `actual` by their answers.',
    advice: { explicitBucketBoundaries: [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] },
  });
  let due = 0;
  return (cost, variables, data) => {
    const now = performance.now();
    if (now < due) return;
    due = now + pause;
    histogram.record(cost.estimate(variables).cost, { kind: 'estimated' });
    histogram.record(cost.actual(JSON.parse(data.toString())), { kind: 'actual' });
  };
}

/** Milliseconds. */
const pause = 1_000;
