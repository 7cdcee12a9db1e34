import { TopSeries } from '../../../../../gateway/telemetry/metrics/top-series';

const minute = 60_000;

/** Counts by name, as whoever collects them sees them. */
function open(most: number) {
  const counts = new Map<string, { value: number }>();
  let opened = 0;
  const openOne = (name: string): { value: number } => {
    const count = { value: 0 };
    counts.set(name, count);
    opened++;
    return count;
  };
  const others = openOne('other');
  const series = new TopSeries<{ value: number }>(
    { most, open: openOne, close: (name) => counts.delete(name), others, othersName: 'other' },
    0,
  );
  return {
    use: (name: string, times = 1) => {
      for (let i = 0; i < times; i++) series.of(name).value++;
    },
    review: (now: number) => series.review(now),
    shown: () => Object.fromEntries([...counts].map(([name, { value }]) => [name, value])),
    opened: () => opened - 1,
  };
}

it('gives names series of their own while there is room, and counts all others together', () => {
  const { use, shown } = open(2);
  for (const name of ['a', 'b', 'a', 'c', 'd']) use(name);
  expect(shown()).toEqual({ a: 2, b: 1, other: 2 });
});

it('counts a name that is called as the others are, or is too long, with the others', () => {
  const { use, shown } = open(5);
  use('other');
  use('x'.repeat(201));
  expect(shown()).toEqual({ other: 2 });
});

it('gives the place of a name that is hardly used to one that is used more', () => {
  const { use, review, shown } = open(2);
  use('a', 30);
  use('b', 2);
  use('c', 12);
  review(minute);
  use('c', 5);
  use('b');
  expect(shown()).toEqual({ a: 30, c: 5, other: 13 });
});

it('keeps the names that it has if others are used little more, or hardly at all', () => {
  const { use, review, shown } = open(2);
  use('a', 30);
  use('b', 8);
  use('c', 15);
  use('d', 9);
  review(minute);
  review(2 * minute);
  expect(Object.keys(shown())).toEqual(['other', 'a', 'b']);
});

it('forgets by and by how much a name was used once', () => {
  const { use, review, shown } = open(2);
  use('a', 1_000_000);
  use('b', 1_000_000);
  for (let i = 1; i <= 20; i++) {
    use('c', 20);
    review(i * minute);
  }
  expect(Object.keys(shown())).toContain('c');
});

it('changes no more than two names a minute, and keeps no more than it has room for, whatever names come', () => {
  const { use, review, opened } = open(10);
  let now = 0;
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 1000; i++) use(`made-up-${round}-${i}`, 20);
    // Collected every ten seconds.
    for (let i = 0; i < 6; i++) review((now += minute / 6));
  }
  expect(opened()).toBeLessThanOrEqual(10 + 2 * 30);
});
