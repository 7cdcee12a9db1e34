/** The sampler by ratio, of gateway/telemetry/traces/open-export.ts. */
import { createHash } from 'node:crypto';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import { ratioSampler } from '../../../../../gateway/telemetry/traces/open-export';

const traceIds = Array.from({ length: 5_000 }, (_, i) => createHash('md5').update(String(i)).digest('hex'));

it.each([0, 1e-9, 0.01, 0.5, 0.99, 1])(
  'exports the traces that OpenTelemetry does with the share %d',
  (share) => {
    const theirs = new TraceIdRatioBasedSampler(share);
    const isSampled = ratioSampler(share);
    const differing = traceIds.filter(
      (id) =>
        isSampled(id) !==
        (theirs.shouldSample(undefined, id).decision === SamplingDecision.RECORD_AND_SAMPLED),
    );
    expect(differing).toEqual([]);
  },
);

it('exports about the share of random traces', () => {
  expect(traceIds.filter(ratioSampler(0.1)).length / traceIds.length).toBeCloseTo(0.1, 1);
});

it('does not export a trace whose id is invalid', () => {
  expect(ratioSampler(0.5)('0'.repeat(32))).toBe(false);
});
