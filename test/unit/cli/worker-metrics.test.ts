import { mergeMetrics } from '../../../cli/worker-metrics';

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

    expect(
      mergeMetrics(
        new Map([
          [1, text(3)],
          [2, text(4)],
        ]),
      ),
    ).toBe(
      [
        '# HELP weir_requests Requests.',
        '# TYPE weir_requests counter',
        'weir_requests{worker="1",status="200"} 3',
        'weir_requests{worker="2",status="200"} 4',
        '',
        '# HELP weir_up Whether it is up.',
        '# TYPE weir_up gauge',
        'weir_up{worker="1"} 1',
        'weir_up{worker="2"} 1',
        '',
      ].join('\n'),
    );
  });

  it('is empty when no worker answers', () => {
    expect(mergeMetrics(new Map())).toBe('');
  });
});
