import { adviseOnCaches, adviseOnPair } from '../../../../gateway/console/call-advice';
import { cacheOf, Counted } from './counted';

// The call for the user is not apart with the later one, as the names of products wait for it.
const apart =
  'query ProductPage { me { reviews { product { name } } } basket { product { reviews { text } } } }';
const serial = 'query Basket { basket { price shipping } }';
const single = 'query Product { product { name } }';

function advice(source: string, subgraph: string, times = 100, how = {}): string[] {
  const counted = new Counted();
  counted.run(source, times, how);
  const operation = counted.operation(/^\w+ (\w+)/.exec(source)![1]!);
  return adviseOnPair(operation, subgraph, operation.fetches[subgraph]!);
}

describe('advice on calls', () => {
  const storable = { isStorable: true };

  it('names what an operation calls a subgraph for more than once, and what each call waits for', () => {
    expect(advice(apart, 'reviews', 100, storable)).toEqual([
      '`ProductPage` calls reviews 2.0 times per request: for `User` at me after accounts and `Product` at basket.@.product after stock. Join them into one call by giving the keys of all in the same step, such as with `@provides` or a field for the key in the service that is called first.',
    ]);
  });

  it('names calls that wait for one another, and the services between them', () => {
    expect(advice(serial, 'prices', 100, storable)).toEqual([
      'Calls of `Basket` to prices are serial, 2.0 times per request: each waits for the one before (`Item` at basket.@ needs `basket`, by way of stock). Let prices answer both in one call: with a field of its own for what stock adds (`@shareable`), or with the key that the second call needs.',
    ]);
  });

  it('names calls whose answers everybody may see, and that no cache may keep', () => {
    expect(advice(single, 'products')).toEqual([
      'Calls of `Product` to products could be cached: its fields are public (no `@authenticated` or the like is on them) and have no `@cacheControl`, or no other `Cache-Control` with a lifetime. If they are the same for all clients, give them one in products, or by the option `subgraphs.products.cache`.',
    ]);
  });

  it.each<[string, string, string, number, object]>([
    ['a call per request whose answers may be cached', single, 'products', 100, storable],
    ['fields that not everybody may see', single, 'products', 100, { isOpen: false }],
    ['an operation that was seldom run', serial, 'prices', 19, {}],
    ['a mutation', 'mutation Rename { rename { name } }', 'products', 100, {}],
    ['the other subgraph of serial calls', serial, 'stock', 100, storable],
  ])('says nothing about %s', (_, source, subgraph, times, how) => {
    expect(advice(source, subgraph, times, how)).toEqual([]);
  });

  it('says nothing where most of several calls were saved', () => {
    const counted = new Counted();
    counted.run(apart, 100, storable);
    const reviews = counted.calls
      .of({ type: 'query', name: 'ProductPage', key: 'query ProductPage' })
      .of('reviews');
    reviews.sent = 110;
    reviews.batched = 90;
    const operation = counted.operation('ProductPage');
    expect(adviseOnPair(operation, 'reviews', operation.fetches['reviews']!)).toEqual([]);
  });

  it('says nothing about all other operations together', () => {
    const other = { ...new Counted().read(), name: 'other', type: '', executions: 1e6 };
    const fetches = { planned: 3e6, merged: 0, deduplicated: 0, batched: 0, cached: 0, sent: 3e6 };
    expect(adviseOnPair(other as never, 'reviews', { ...fetches, answers: 3e6, storable: 0 })).toEqual([]);
  });
});

describe('advice on caches', () => {
  it('names what changes while it is cached', () => {
    expect(
      adviseOnCaches([
        cacheOf({ subgraph: 'reviews', type: 'Product', served: 500, refreshed: 120, changed: 84 }),
        cacheOf({ served: 5, refreshed: 20, changed: 10 }),
      ]),
    ).toEqual([
      'Entities `Product` of reviews had changed in 70 % of 120 refreshes: some clients got old data. Shorten their `max-age`, or drop them when they change, by events or tags (docs/entity-cache.md).',
      'Cached answers had changed in 50 % of 20 refreshes: some clients got old data. Shorten their `max-age`, or drop them when they change, by events or tags (docs/entity-cache.md).',
    ]);
  });

  it('names what could be cached for longer', () => {
    expect(
      adviseOnCaches([cacheOf({ subgraph: 'reviews', type: 'User', served: 60, misses: 40, refreshed: 40 })]),
    ).toEqual([
      'Entities `User` of reviews had changed in none of 40 refreshes, and 40 % of look-ups found nothing: a longer `max-age` would save calls.',
    ]);
  });

  it.each([
    ['few refreshes', { served: 500, refreshed: 19, changed: 19 }],
    ['what changes at times', { served: 60, misses: 40, refreshed: 40, changed: 8 }],
    ['what is nearly always found', { served: 990, misses: 10, refreshed: 40 }],
    ['what nobody was served', { misses: 50, refreshed: 40, changed: 40 }],
  ])('says nothing about %s', (_, counts) => {
    expect(adviseOnCaches([cacheOf(counts)])).toEqual([]);
  });
});
