import fc from 'fast-check';
import {
  CallStatistics,
  countedOperation,
  ProgramTally,
} from '../../../../../gateway/telemetry/metrics/call-statistics';
import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { writePrometheus } from '../../../../../gateway/telemetry/metrics/prometheus';

function open() {
  const meter = new Meter();
  const statistics = new CallStatistics(meter);
  return {
    statistics,
    tallyOf: (name: string | undefined, type = 'query') =>
      new ProgramTally(countedOperation(type, name), statistics, () => undefined),
    lines: (of: string): string[] =>
      writePrometheus(meter.collect())
        .split('\n')
        .filter((line) => line.startsWith(of) && !line.endsWith(' 0')),
  };
}

it('counts fetches by operation and subgraph', () => {
  const { statistics, tallyOf, lines } = open();
  const page = tallyOf('Page');
  page.begin(true);
  page.of('reviews').planned += 2;
  page.of('reviews').merged++;
  page.of('reviews').sent++;
  page.of('users').cached++;
  const unnamed = tallyOf(undefined, 'mutation');
  unnamed.begin(false);
  unnamed.of('reviews').sent += 3;
  const [, ...operations] = statistics.operations;
  expect(operations.map(({ type, name, executions, isOpen }) => [type, name, executions, isOpen])).toEqual([
    ['query', 'Page', 1, true],
    ['mutation', 'anonymous', 1, false],
  ]);
  expect(operations[0]!.of('reviews')).toMatchObject({ planned: 2, merged: 1, sent: 1, cached: 0 });
  expect(lines('weir_subgraph_calls')).toEqual([
    'weir_subgraph_calls_total{subgraph="reviews",graphql_operation_name="Page"} 1',
    'weir_subgraph_calls_total{subgraph="reviews",graphql_operation_name="anonymous"} 3',
  ]);
  expect(lines('weir_subgraph_fetches')).toEqual([
    'weir_subgraph_fetches_total{subgraph="reviews",result="merged"} 1',
    'weir_subgraph_fetches_total{subgraph="reviews",result="sent"} 4',
    'weir_subgraph_fetches_total{subgraph="users",result="cached"} 1',
  ]);
});

it('counts for several programs of one operation together', () => {
  const { statistics, tallyOf } = open();
  const tallies = [tallyOf('Page'), tallyOf('Page')];
  for (const tally of tallies) {
    tally.begin(true);
    tally.of('reviews').sent++;
  }
  expect(statistics.of(countedOperation('query', 'Page')).of('reviews').sent).toBe(2);
});

it('has 100 operations at most beside the others, and loses no count when they change places', () => {
  jest.useFakeTimers({ now: 0 });
  try {
    fc.assert(
      fc.property(fc.array(fc.nat(140), { minLength: 1, maxLength: 400 }), (numbers) => {
        const { statistics, tallyOf, lines } = open();
        const tallies = new Map(numbers.map((number) => [number, tallyOf(`Op${number}`)]));
        numbers.forEach((number, i) => {
          const tally = tallies.get(number)!;
          tally.begin(true);
          tally.of('reviews').sent++;
          if (i % 50 === 49) {
            jest.advanceTimersByTime(61_000);
            statistics.review();
          }
        });
        expect([...statistics.operations].length).toBeLessThanOrEqual(101);
        expect(lines('weir_subgraph_fetches')).toEqual([
          `weir_subgraph_fetches_total{subgraph="reviews",result="sent"} ${numbers.length}`,
        ]);
      }),
      { numRuns: 20 },
    );
  } finally {
    jest.useRealTimers();
  }
});
