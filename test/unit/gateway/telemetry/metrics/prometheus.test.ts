import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { metricTable } from '../../../../../gateway/telemetry/metrics/metric-table';
import {
  metricsFormatFor,
  prometheusLabel,
  prometheusName,
  writePrometheus,
} from '../../../../../gateway/telemetry/metrics/prometheus';
import { readOpenMetrics } from '../../../../support/openmetrics';

const textOf = (meter: Meter): string => writePrometheus(meter.collect());

it('writes a histogram with cumulative buckets, its sum and its count', () => {
  const meter = new Meter();
  const costs = meter.histogram('weir.operation.cost');
  for (const cost of [0, 1, 1, 50, 2_000_000]) costs.of({ kind: 'actual' }).record(cost);
  expect(textOf(meter)).toBe(
    [
      '# HELP weir_operation_cost What operations cost, of a sample.',
      '# TYPE weir_operation_cost histogram',
      ...[
        ...['0"} 1', '1"} 3', '10"} 3', '100"} 4', '1000"} 4'],
        ...['10000"} 4', '100000"} 4', '1000000"} 4', '+Inf"} 5'],
      ].map((end) => `weir_operation_cost_bucket{kind="actual",le="${end}`),
      'weir_operation_cost_sum{kind="actual"} 2000052',
      'weir_operation_cost_count{kind="actual"} 5',
      '',
    ].join('\n'),
  );
});

it('writes counters with `_total`, sums that fall as gauges, and units as words', () => {
  const meter = new Meter();
  meter.sum('weir.requests.limited').add(2, { rate: 'all' });
  meter.sum('weir.cdn.purge.paths_waiting').add(-1, {});
  meter.observe('weir.operations.kept', (observe) => observe(1024, {}));
  meter.observe('nodejs.eventloop.utilization', (observe) => observe(0.25, {}));
  const lines = textOf(meter).split('\n');
  expect(lines.filter((line) => !line.startsWith('# HELP'))).toEqual([
    ...['# TYPE weir_requests_limited_total counter', 'weir_requests_limited_total{rate="all"} 2'],
    ...['# TYPE weir_cdn_purge_paths_waiting gauge', 'weir_cdn_purge_paths_waiting -1'],
    ...['# TYPE weir_operations_kept_bytes gauge', 'weir_operations_kept_bytes 1024'],
    ...['# TYPE nodejs_eventloop_utilization_ratio gauge', 'nodejs_eventloop_utilization_ratio 0.25'],
    '',
  ]);
});

it('escapes what stands in a label, and leaves out attributes without a value', () => {
  const meter = new Meter();
  const errors = meter.sum('weir.graphql.errors');
  errors.add(1, { code: 'a"b\\c\nd', service: undefined });
  expect(textOf(meter)).toContain('\nweir_graphql_errors_total{code="a\\"b\\\\c\\nd"} 1\n');
});

it('adds what several parts read for the same series', () => {
  const meter = new Meter();
  for (const size of [3, 4]) meter.observe('weir.operations.kept', (observe) => observe(size, {}));
  expect(textOf(meter)).toContain('\nweir_operations_kept_bytes 7\n');
});

it('writes a metric without attributes from the start, as 0', () => {
  const meter = new Meter();
  meter.sum('weir.usage.dropped');
  meter.sum('weir.cdn.purges');
  expect(textOf(meter)).toMatch(/^weir_usage_dropped_total 0$/m);
  expect(textOf(meter)).not.toContain('weir_cdn_purges');
});

describe('OpenMetrics', () => {
  const spanOf = (isExported: boolean) => ({
    id: 'b7ad6b7169203331',
    trace: { id: '0af7651916cd43dd8448eb211c80319c', isExported },
  });
  const openOf = (meter: Meter) => writePrometheus(meter.collect(), 'openmetrics');

  it('has the last exemplar of each bucket, only of traces that are exported', () => {
    const meter = new Meter();
    const costs = meter.histogram('weir.operation.cost').of({ kind: 'actual' });
    costs.record(1, spanOf(true));
    costs.record(7, spanOf(true));
    costs.record(9, spanOf(true));
    costs.record(50, spanOf(false));
    costs.record(2_000_000);
    const { samples } = readOpenMetrics(openOf(meter))[0]!;
    const exemplars = samples.map(({ labels, exemplar }) => [labels['le'], exemplar?.value]);
    expect(exemplars).toEqual([
      ...[
        ['0.0', undefined],
        ['1.0', 1],
        ['10.0', 9],
        ['100.0', undefined],
        ['1000.0', undefined],
      ],
      ...[
        ['10000.0', undefined],
        ['100000.0', undefined],
        ['1e+06', undefined],
        ['+Inf', undefined],
      ],
      ...[
        [undefined, undefined],
        [undefined, undefined],
      ],
    ]);
    const { labels, at } = samples[1]!.exemplar!;
    expect(labels).toEqual({ trace_id: spanOf(true).trace.id, span_id: spanOf(true).id });
    expect(Math.abs(at! - Date.now() / 1000)).toBeLessThan(60);
    expect(textOf(meter)).not.toContain('trace_id');
  });

  it('has counters whose names lack `_total`, escaped texts, and an end', () => {
    const meter = new Meter();
    meter.sum('weir.graphql.errors').add(1, { code: 'a"b\\c\nd', service: undefined });
    meter.sum('weir.cdn.purge.paths_waiting').add(-1, {});
    const text = openOf(meter);
    expect(text).toMatch(/^# TYPE weir_graphql_errors counter$/m);
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    expect(readOpenMetrics(text).map(({ name, type, samples }) => [name, type, samples])).toEqual([
      [
        'weir_graphql_errors',
        'counter',
        [{ name: 'weir_graphql_errors_total', labels: { code: 'a"b\\c\nd' }, value: 1, exemplar: undefined }],
      ],
      [
        'weir_cdn_purge_paths_waiting',
        'gauge',
        [{ name: 'weir_cdn_purge_paths_waiting', labels: {}, value: -1, exemplar: undefined }],
      ],
    ]);
  });

  it.each<[string | undefined, string]>([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html, */*;q=0.8', 'prometheus'],
    ['application/json', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version=2.0.0, text/plain;q=0.1', 'prometheus'],
    // Prometheus 2.42 and 3.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    // With `metric_name_escaping_scheme: underscores`, and with `scrape_protocols: [PrometheusText0.0.4]`.
    [
      'application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    ['text/plain;version=0.0.4;q=0.6,*/*;q=0.5', 'prometheus'],
    ['text/plain;q=0.9,application/openmetrics-text;version=1.0.0;escaping=dots;q=0.5', 'prometheus'],
  ])('is what is written for %s: %s', (accept, format) => {
    expect(metricsFormatFor(accept)).toBe(format);
  });
});

describe('every metric of the table', () => {
  const all = Object.entries(metricTable);

  it('has a name and labels that Prometheus takes, and no two have one name', () => {
    const names = all.map(([name, definition]) => prometheusName(name, definition));
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(new Set(names).size).toBe(all.length);
    // In OpenMetrics, too.
    expect(new Set(names.map((name) => name.replace(/_total$/, ''))).size).toBe(all.length);
    for (const [, definition] of all)
      for (const attribute of Object.keys('attributes' in definition ? definition.attributes : {}))
        expect(prometheusLabel(attribute, definition)).toMatch(/^[a-z][a-z_]*$/);
  });

  it('is a counter if it ends in `_total`, and says its unit', () => {
    for (const [name, definition] of all) {
      const full = prometheusName(name, definition);
      expect([full, full.endsWith('_total')]).toEqual([full, definition.kind === 'counter']);
      if (definition.unit === 's') expect(full).toMatch(/_seconds(_total)?$/);
      if (definition.unit === 'By') expect(full).toMatch(/_bytes$/);
    }
  });

  it('has ascending boundaries if it is a histogram, and otherwise none', () => {
    for (const [name, definition] of all) {
      const boundaries: readonly number[] = 'boundaries' in definition ? definition.boundaries : [];
      expect([name, boundaries.length > 0]).toEqual([name, definition.kind === 'histogram']);
      expect([...boundaries].sort((a, b) => a - b)).toEqual(boundaries);
    }
  });
});
