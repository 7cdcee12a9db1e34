import { createMetrics, type Metrics } from '../../../../gateway/telemetry/metrics';

describe('the durations of requests', () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = createMetrics();
  });
  afterEach(() => metrics.close());

  const lines = async (start: string): Promise<string[]> =>
    (await metrics.collect()).split('\n').filter((line) => line.includes(start));

  it('are collected as a histogram of each method and status', async () => {
    const { requestDurations } = metrics;
    for (const seconds of [0.0625, 0.1, 0.5, 40]) requestDurations.record(seconds, 'POST', 200);
    requestDurations.record(0.5, 'GET', 304);
    const text = await lines('weir_request_duration_seconds');
    expect(text).toContain('# TYPE weir_request_duration_seconds histogram');
    const post = (value: string) => text.filter((line) => line.includes(value) && line.includes('"POST"'));
    expect(post('_count')).toEqual(['weir_request_duration_seconds_count{method="POST",status="200"} 4']);
    expect(post('_sum')).toEqual(['weir_request_duration_seconds_sum{method="POST",status="200"} 40.6625']);
    const bucketsOf = (le: string) => post(`le="${le}"`).map((line) => Number(line.split(' ')[1]));
    expect(['0.05', '0.1', '0.25', '0.5', '30', '+Inf'].map(bucketsOf)).toEqual([
      ...[[0], [2], [2], [3], [3], [4]],
    ]);
    expect(text).toContain('weir_request_duration_seconds_count{method="GET",status="304"} 1');
  });

  it('are the same when they are collected again', async () => {
    metrics.requestDurations.record(0.5, 'POST', 200);
    const once = await lines('weir_request_duration_seconds');
    expect(await lines('weir_request_duration_seconds')).toEqual(once);
  });

  it('of methods that no standard knows are counted together', async () => {
    for (let number = 0; number < 100; number++) metrics.requestDurations.record(0.5, `MADE-${number}`, 405);
    expect(await lines('_count{')).toEqual([
      'weir_request_duration_seconds_count{method="_OTHER",status="405"} 100',
    ]);
  });
});
