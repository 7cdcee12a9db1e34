import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { writePrometheus } from '../../../../../gateway/telemetry/metrics/prometheus';
import { CacheStatistics } from '../../../../../gateway/telemetry/statistics/cache-statistics';

function open() {
  const meter = new Meter();
  const statistics = new CacheStatistics(meter);
  const lines = (of: string): string[] =>
    writePrometheus(meter.collect())
      .split('\n')
      .filter((line) => line.startsWith(of) && !line.endsWith(' 0'));
  return { statistics, lines };
}

it('keeps the number of subgraphs bounded', () => {
  const { statistics } = open();
  for (let i = 0; i < 1_100; i++) statistics.ofEntities(`previewed${i}`, 'Review').misses++;
  expect(statistics.entities.size).toBe(1_001);
  expect(statistics.entities.get('other')!.get('Review')!.misses).toBe(100);
});

it('keeps the number of types bounded', () => {
  const { statistics } = open();
  for (let i = 0; i < 1_100; i++) statistics.ofEntities('reviews', `Type${i}`).misses++;
  const types = statistics.entities.get('reviews')!;
  expect(types.size).toBe(1_001);
  expect(types.get('other')!.misses).toBe(100);
});
