import { ErrorStatistics } from '../../../../../gateway/telemetry/statistics/error-statistics';
import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { writePrometheus } from '../../../../../gateway/telemetry/metrics/prometheus';

function open() {
  const meter = new Meter();
  const statistics = new ErrorStatistics(meter);
  const lines = (): string[] =>
    writePrometheus(meter.collect())
      .split('\n')
      .filter((line) => line.startsWith('weir_') && !line.endsWith(' 0'));
  return { statistics, lines };
}

it('counts errors by code and subgraph', () => {
  const { statistics, lines } = open();
  statistics.add({ code: 'OVERLOADED' });
  statistics.add({ code: 'OVERLOADED' });
  statistics.add({ code: 'SOLD_OUT', service: 'orders' });
  expect(lines()).toEqual([
    'weir_graphql_errors_total{code="OVERLOADED"} 2',
    'weir_graphql_errors_total{code="SOLD_OUT",service="orders"} 1',
  ]);
});

it('always has a series for each code of its own, however many codes subgraphs make up', () => {
  const { statistics, lines } = open();
  for (let i = 0; i < 1_000; i++) statistics.add({ code: `MADE_UP_${i}`, service: 'orders' });
  statistics.add({ code: 'INTERNAL_SERVER_ERROR' });
  expect(lines()).toHaveLength(102);
  expect(lines()).toContain('weir_graphql_errors_total{code="other"} 900');
  expect(lines()).toContain('weir_graphql_errors_total{code="INTERNAL_SERVER_ERROR"} 1');
});

it('takes codes that are no text, long or not printable', () => {
  const { statistics, lines } = open();
  for (const code of [7, null, undefined, 'x'.repeat(1000), 'a\nb\u2028']) statistics.add({ code });
  statistics.add(undefined);
  expect(lines()).toEqual([
    'weir_graphql_errors_total{code=""} 4',
    `weir_graphql_errors_total{code="${'x'.repeat(64)}"} 1`,
    'weir_graphql_errors_total{code="a?b?"} 1',
  ]);
});
