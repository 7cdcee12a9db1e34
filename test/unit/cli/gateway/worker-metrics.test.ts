import { mergeMetrics } from '../../../../cli/gateway/worker-metrics';

/** What is merged of two workers, of which one has counted 3 and the other 4. */
const mergedOfTwo = (text: (n: number) => string): string =>
  mergeMetrics(
    new Map([
      [1, text(3)],
      [2, text(4)],
    ]),
  );

describe('mergeMetrics', () => {
  it('labels every sample with its worker and describes every metric once', () => {
    const text = (n: number) =>
      [
        '# HELP weir_requests Requests.',
        '# TYPE weir_requests counter',
        `weir_requests{status="200"} ${n}`,
        '# HELP weir_up Whether it is up.',
        '# TYPE weir_up gauge',
        'weir_up 1',
        '',
      ].join('\n');

    expect(mergedOfTwo(text)).toBe(
      [
        '# HELP weir_requests Requests.',
        '# TYPE weir_requests counter',
        'weir_requests{worker="1",status="200"} 3',
        'weir_requests{worker="2",status="200"} 4',
        '# HELP weir_up Whether it is up.',
        '# TYPE weir_up gauge',
        'weir_up{worker="1"} 1',
        'weir_up{worker="2"} 1',
        '',
      ].join('\n'),
    );
  });

  it('keeps exemplars of OpenMetrics, whose end stands at the end alone', () => {
    const text = (n: number) =>
      [
        '# TYPE weir_requests counter',
        `weir_requests_total ${n}`,
        '# TYPE weir_seconds histogram',
        `weir_seconds_bucket{le="+Inf"} ${n} # {trace_id="a${n}"} 0.5 1.5`,
        '# EOF',
        '',
      ].join('\n');
    expect(mergedOfTwo(text)).toBe(
      [
        '# TYPE weir_requests counter',
        ...['weir_requests_total{worker="1"} 3', 'weir_requests_total{worker="2"} 4'],
        '# TYPE weir_seconds histogram',
        'weir_seconds_bucket{worker="1",le="+Inf"} 3 # {trace_id="a3"} 0.5 1.5',
        'weir_seconds_bucket{worker="2",le="+Inf"} 4 # {trace_id="a4"} 0.5 1.5',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  it('is empty when no worker answers', () => {
    expect(mergeMetrics(new Map())).toBe('');
  });
});
