import fc from 'fast-check';
import { startTogether, type WaitingFetch } from '../../../../../gateway/execution/compile/start-together';

const fetchOf = (
  subgraph: string,
  waitsFor: number[],
  { path = 'p', kind = 'entities', before = waitsFor }: Partial<WaitingFetch> = {},
): WaitingFetch => ({ subgraph, kind, path, before, waitsFor });

describe('a fetch that nothing waits for', () => {
  it('waits until another of the same objects starts, of the same subgraph', () => {
    expect(
      startTogether([fetchOf('a', []), fetchOf('b', [0]), fetchOf('c', [0]), fetchOf('b', [0, 2])]),
    ).toEqual([[], [2], [0], [2]]);
  });

  it('waits until another starts that others wait for', () => {
    const fetches = [
      fetchOf('a', []),
      fetchOf('b', [0]),
      fetchOf('c', [0]),
      fetchOf('b', [0, 2]),
      fetchOf('d', [3]),
    ];
    expect(startTogether(fetches)).toEqual([[], [2], [0], [2], [3]]);
  });

  it('does not wait for what those need that it cannot go with', () => {
    const fetches = [
      fetchOf('a', []),
      fetchOf('b', []),
      fetchOf('c', [1], { path: 'q' }),
      fetchOf('c', [0], { before: [0, 1] }),
      fetchOf('c', [1], { path: 'q' }),
      fetchOf('d', [2, 4]),
    ];
    expect(startTogether(fetches)[3]).toEqual([0]);
  });

  it('waits with another of the same objects for what either needs', () => {
    const [, , c, d] = startTogether([
      fetchOf('a', []),
      fetchOf('b', []),
      fetchOf('c', [0]),
      fetchOf('c', [1]),
    ]);
    expect([c, d]).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it('waits for what the plan has it wait for anyway, whatever objects the other is about', () => {
    const others = { path: 'q', before: [0, 1] };
    const fetches = [fetchOf('a', []), fetchOf('b', [0]), fetchOf('c', [0], others), fetchOf('c', [0, 1])];
    expect(startTogether(fetches)[2]).toEqual([1]);
  });

  it.each([
    ['another subgraph', fetchOf('d', [0])],
    ['other objects', fetchOf('c', [0], { path: 'q' })],
    ['root fields', fetchOf('c', [0], { kind: 'root' })],
    ['a mutation', fetchOf('c', [0], { kind: 'mutation' })],
  ])('does not wait for %s', (_, other) => {
    expect(startTogether([fetchOf('a', []), fetchOf('b', [0]), other, fetchOf('c', [1])])[2]).toEqual([0]);
  });

  it('waits only if all that would go into one request with it can', () => {
    const fetches = (path: string) => [
      fetchOf('a', []),
      fetchOf('b', [0]),
      fetchOf('c', [0]),
      fetchOf('c', [0], { path }),
      fetchOf('c', [1]),
    ];
    expect(startTogether(fetches('p')).slice(2)).toEqual([[1], [1], [1]]);
    expect(startTogether(fetches('q')).slice(2)).toEqual([[0], [0], [1]]);
  });
});

describe('a fetch that others wait for', () => {
  const [a, b, early] = [fetchOf('a', []), fetchOf('b', [0]), fetchOf('c', [0])];

  it('waits for another of its subgraph that all of them wait for, too', () => {
    const late = fetchOf('c', [1], { path: 'q' });
    expect(startTogether([a, b, early, late, fetchOf('d', [2, 3])]).slice(2)).toEqual([[1], [1], [2, 3]]);
  });

  it('waits with it for what either needs', () => {
    const late = fetchOf('c', [1], { path: 'q' });
    const fetches = [a, fetchOf('b', []), early, late, fetchOf('d', [2, 3])];
    expect(startTogether(fetches).slice(2, 4)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it('starts as early as it can where one of them does not wait for the other', () => {
    const fetches = [a, b, early, fetchOf('c', [1]), fetchOf('d', [2, 3]), fetchOf('e', [2])];
    expect(startTogether(fetches)[2]).toEqual([0]);
  });

  it('starts before another of its subgraph that waits for it', () => {
    const fetches = [a, early, fetchOf('b', [1]), fetchOf('c', [2]), fetchOf('d', [1, 3])];
    expect(startTogether(fetches)[1]).toEqual([0]);
  });
});

it('a fetch is not told to wait for what is waited for by others that it waits for', () => {
  expect(startTogether([fetchOf('a', []), fetchOf('b', [0]), fetchOf('c', [0, 1])])).toEqual([[], [0], [1]]);
});

const anyFetches = fc
  .array(
    fc.record({
      subgraph: fc.constantFrom('a', 'b', 'c'),
      kind: fc.constantFrom<WaitingFetch['kind']>('root', 'entities', 'entities', 'mutation'),
      path: fc.constantFrom('p', 'q'),
      order: fc.array(fc.nat({ max: 9 }), { maxLength: 6 }),
      needed: fc.nat({ max: 6 }),
    }),
    { maxLength: 10 },
  )
  .map((drawn) => {
    const fetches: WaitingFetch[] = [];
    for (const [index, { subgraph, kind, path, order, needed }] of drawn.entries()) {
      const direct = [...new Set(order.filter((i) => i < index))];
      const before = [...new Set(direct.flatMap((i) => [i, ...fetches[i]!.before]))];
      fetches.push({ subgraph, kind, path, before, waitsFor: direct.slice(0, needed) });
    }
    return fetches;
  });

it('whatever the plan, each fetch gets what it needs, and delays none that waits for it', () => {
  fc.assert(
    fc.property(anyFetches, (fetches) => {
      const turns = startTogether(fetches);
      const allOf = (waitsFor: readonly (readonly number[])[], i: number): Set<number> =>
        new Set(waitsFor[i]!.flatMap((k) => [k, ...allOf(waitsFor, k)]));
      const needed = fetches.map(({ waitsFor }) => waitsFor);
      for (const i of fetches.keys()) {
        const all = allOf(turns, i);
        expect(all).not.toContain(i);
        for (const need of allOf(needed, i)) expect(all).toContain(need);
        if (fetches[i]!.kind === 'mutation') expect(all).toEqual(allOf(needed, i));
        for (const [waiter, waitsFor] of needed.entries())
          if (waitsFor.includes(i)) for (const other of all) expect(allOf(needed, waiter)).toContain(other);
      }
    }),
  );
});
