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

it('counts entities by source, and their ages by the policy that let them be served', () => {
  const { statistics, lines } = open();
  const products = statistics.ofEntities('reviews', 'Product');
  products.served('fresh', 10_000, 12_000);
  products.served('stale-while-revalidate', 10_000, 80_000);
  statistics.ofEntities('reviews', 'User').served('fresh', 10_000, 10_000);
  products.misses++;
  expect(lines('weir_cache_entities')).toEqual([
    'weir_cache_entities_total{subgraph="reviews",result="hit"} 2',
    'weir_cache_entities_total{subgraph="reviews",result="stale"} 1',
    'weir_cache_entities_total{subgraph="reviews",result="miss"} 1',
  ]);
  expect(lines('weir_cache_age_seconds_sum')).toEqual([
    'weir_cache_age_seconds_sum{cache="entity",subgraph="reviews",policy="fresh"} 2',
    'weir_cache_age_seconds_sum{cache="entity",subgraph="reviews",policy="stale-while-revalidate"} 70',
  ]);
});

it('counts what is stored again after its lifetime, and how much of it had changed', () => {
  const { statistics, lines } = open();
  const { responses } = statistics;
  const store = (fingerprint: string, now: number): void =>
    statistics.stored(responses, 'key', fingerprint, now + 10, now);
  store('a', 0);
  store('a', 10);
  store('b', 20);
  // Dropped before its lifetime was over: nobody was served anything out of date.
  store('c', 25);
  expect(responses).toMatchObject({ refreshed: 2, changed: 1 });
  expect(lines('weir_cache_refreshes')).toEqual([
    'weir_cache_refreshes_total{cache="response",result="changed"} 1',
    'weir_cache_refreshes_total{cache="response",result="unchanged"} 1',
  ]);
});

it('keeps the number of types bounded', () => {
  const { statistics } = open();
  for (let i = 0; i < 1_100; i++) statistics.ofEntities('reviews', `Type${i}`).misses++;
  const types = statistics.entities.get('reviews')!;
  expect(types.size).toBe(1_001);
  expect(types.get('other')!.misses).toBe(100);
});
