import { pairsOf, reportOf } from '../../../../gateway/console/call-report';
import { Counted } from './counted';

it('tells operations and the subgraphs that they call, with the most calls per request first', () => {
  const counted = new Counted();
  counted.run('query Basket { basket { price shipping } }', 10);
  counted.run('query Product { product { name } }', 40);
  const basket = counted.calls.of({ type: 'query', name: 'Basket', key: 'query Basket' }).of('stock');
  basket.sent -= 5;
  basket.cached += 5;
  const pairs = pairsOf(counted.read());
  expect(
    pairs.map(({ operation, subgraph, callsPerRequest }) => [operation, subgraph, callsPerRequest]),
  ).toEqual([
    ['Basket', 'prices', 2],
    ['Product', 'products', 1],
    ['Basket', 'stock', 0.5],
  ]);
  expect(pairs[2]).toMatchObject({
    requests: 10,
    plannedPerRequest: 1,
    saved: { merged: 0, deduplicated: 0, batched: 0, cached: 5 },
    advice: '',
  });
});

it('tells pairs of services: who is called for whose answers', () => {
  const counted = new Counted();
  counted.run('query Basket { basket { price shipping } }', 10);
  counted.calls.of({ type: 'query', name: 'Basket', key: 'query Basket' }).answers.hit = 10;
  const { services } = reportOf(counted.read());
  expect(services).toEqual([
    { from: 'gateway', to: 'prices', calls: 10, callsPerRequest: 0.5 },
    { from: 'stock', to: 'prices', calls: 10, callsPerRequest: 0.5 },
    { from: 'prices', to: 'stock', calls: 10, callsPerRequest: 0.5 },
  ]);
});

it('has the advice of all pairs and caches', () => {
  const counted = new Counted();
  counted.run('query Product { product { name } }', 40);
  counted.caches.responses.served('fresh', 0, 1);
  Object.assign(counted.caches.responses, { refreshed: 20, changed: 20 });
  expect(reportOf(counted.read()).advice).toEqual([
    expect.stringMatching(/^Calls of `Product` to products could be cached/),
    expect.stringMatching(/^Cached answers had changed in 100 %/),
  ]);
});

it('has nothing to say before the first request', () => {
  expect(reportOf(new Counted().read())).toMatchObject({
    operations: [],
    pairs: [],
    services: [],
    advice: [],
  });
});
