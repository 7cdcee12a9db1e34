import fc from 'fast-check';
import { addTotals, subtractTotals } from '../../../../gateway/console/call-totals';
import { Counted } from './counted';

const basket = 'query Basket { basket { price shipping } }';
const product = 'query Product { product { name } }';

/** What a process has done: how often it has run either operation, and served and missed entities. */
const done = fc.record({ baskets: fc.nat(5), products: fc.nat(5), served: fc.nat(5), missed: fc.nat(5) });

function count(into: Counted, { baskets, products, served, missed }: Record<string, number>): Counted {
  into.run(basket, baskets!);
  into.run(product, products!);
  const counts = into.caches.ofEntities('stock', 'Item');
  for (let i = 0; i < served!; i++) counts.served('fresh', 0, i * 1_000);
  counts.misses += missed!;
  return into;
}

it('adds the counts of several processes as if one had counted all', () => {
  fc.assert(
    fc.property(done, done, (one, other) => {
      const added = addTotals([count(new Counted(5), one).read(7), count(new Counted(3), other).read(9)]);
      const whole = count(count(new Counted(3), one), other).read(9);
      expect(sorted(added)).toEqual(sorted({ ...whole, processes: 2 }));
    }),
    { numRuns: 30 },
  );
});

it('subtracts what was counted before', () => {
  fc.assert(
    fc.property(done, done, (before, after) => {
      const counted = count(new Counted(), before);
      const earlier = counted.read(4);
      const later = count(counted, after).read(9);
      const { operations, caches, ...times } = subtractTotals(later, earlier);
      expect(times).toEqual({ since: 4, at: 9, processes: 1 });
      const alone = count(new Counted(), after).read();
      const used = ({ operations: all }: typeof alone) =>
        all.map(({ name, executions, fetches }) => [name, executions, fetches]).sort();
      expect(used({ ...alone, operations })).toEqual(used(alone));
      expect(caches.at(-1)).toMatchObject({ misses: after.missed });
    }),
    { numRuns: 30 },
  );
});

it('counts an operation whole that has got a new series since', () => {
  const counted = count(new Counted(), { baskets: 9, products: 0, served: 0, missed: 0 });
  const fresh = count(new Counted(), { baskets: 2, products: 0, served: 0, missed: 0 });
  expect(subtractTotals(fresh.read(), counted.read()).operations).toMatchObject([{ executions: 2 }]);
});

it('remembers a plan whose program is gone', () => {
  const counted = new Counted();
  counted.run(product, 1);
  const plan = counted.operation('Product').plan;
  expect(plan).toMatchObject([{ subgraph: 'products' }]);
  const { program } = counted.calls.of({ type: 'query', name: 'Product', key: 'query Product' });
  Object.assign(program!, { outline: () => undefined });
  expect(counted.operation('Product').plan).toEqual(plan);
});

const sorted = ({ operations, caches, ...others }: ReturnType<Counted['read']>) => ({
  ...others,
  operations: [...operations].sort((one, other) => (one.name < other.name ? -1 : 1)),
  caches,
});
