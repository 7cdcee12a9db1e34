import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { isFailure, SubgraphDurations } from '../../../../../gateway/telemetry/statistics/subgraph-durations';

it.each([
  ['POST', 200, false],
  ['POST', 404, true],
  ['GET', 404, false],
  ['GET', 410, false],
  ['GET', 400, true],
  ['GET', 503, true],
])('a %s with the status %i counts as failed: %s', (method, status, expected) => {
  expect(isFailure(status, method)).toBe(expected);
});

it('keeps the number of series bounded, though previews have endpoints of their own', () => {
  const meter = new Meter();
  const durations = new SubgraphDurations(meter);
  const record = (i: number): void =>
    durations.to('reviews', new URL(`http://pr-${i}.example/graphql`))(1, 200, undefined, undefined, 'POST');
  for (let i = 0; i < 1_100; i++) record(i);
  record(3);
  const [{ series }] = meter.collect() as [ReturnType<Meter['collect']>[number]];
  expect(series.length).toBe(1_001);
  expect(series.at(-1)!.attributes).toMatchObject({ subgraph: 'other', 'server.address': 'other' });
  expect(series[3]!.attributes).toMatchObject({ subgraph: 'reviews', 'server.address': 'pr-3.example' });
});
