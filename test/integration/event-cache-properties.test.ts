/**
 * Once a gateway has heard an event, it serves nothing older: random queries of two gateways with caches, and of one without,
 * while the data changes behind their backs and only events tell of it.
 */
import { amountOf, timeFor } from '../support/amounts';
import { eventBody, type Publisher, startPublisher } from '../support/event-publisher';
import { eventually } from '../support/process';
import { RandomSource } from '../support/random-source';
import { redisProgram, sayWithoutRedis, startRedis } from '../support/redis-server';
import {
  type Json,
  sampleSum,
  sourceOf,
  startTestGateway,
  type TestGateway,
} from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const steps = amountOf('WEIR_STEPS', 60, 1000);
jest.setTimeout(timeFor(steps, 1000));
sayWithoutRedis();

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
/** The stock of products, and the shelf that each stands on. Some of them do not exist yet. */
const stock = new Map<string, { left: number; shelf: string }>();
const upcs = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
const shelves = ['a', 'b'];
const found = (upc: string): Json => {
  const known = stock.get(upc);
  return known && { __typename: 'Product', upc, left: known.left, shelf: { code: known.shelf } };
};
let products: TestSubgraph;
let inventory: TestSubgraph;
let publisher: Publisher;
let supergraphSdl: string;
let plain: TestGateway;

beforeAll(async () => {
  inventory = await startSubgraph({
    name: 'inventory',
    typeDefs: `${link}
      type Query { shelf(code: ID!): Shelf }
      type Product @key(fields: "upc") { upc: ID!  left: Int  shelf: Shelf }
      type Shelf @key(fields: "code") { code: ID!  products: [Product!]! }`,
    resolvers: {
      Query: { shelf: (_: Json, { code }: Json) => ({ code }) },
      Product: { __resolveReference: ({ upc }: Json) => found(upc) ?? null },
      Shelf: {
        __resolveReference: ({ code }: Json) => ({ code }),
        products: ({ code }: Json) => upcs.filter((upc) => stock.get(upc)?.shelf === code).map(found),
      },
    },
  });
  products = await startSubgraph({
    name: 'products',
    typeDefs: `${link} type Query { product(upc: ID!): Product } type Product @key(fields: "upc") { upc: ID!  name: String }`,
    resolvers: {
      Query: { product: (_: Json, { upc }: Json) => ({ upc, name: upc }) },
      Product: { __resolveReference: ({ upc }: Json) => ({ upc, name: upc }) },
    },
  });
  for (const each of [inventory, products]) each.headers = { 'cache-control': 'public, max-age=3600' };
  publisher = await startPublisher(inventory.url);
  supergraphSdl = compose([inventory, products]);
  plain = await start({ cache: { entities: { enabled: false }, responses: { enabled: false } } });
});
afterAll(async () => {
  await plain.stop();
  await publisher.stop();
  await Promise.all([inventory.close(), products.close()]);
});

const start = (more: Json): Promise<TestGateway> =>
  startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    subgraphs: { inventory: { url: publisher.url } },
    ...more,
  });
const events = {
  sources: { stock: { type: 'subgraph', subgraph: 'inventory' } },
  types: {
    StockChanged: { drop: { entities: [{ type: 'Product', key: { upc: 'subject' } }] } },
    StockCounted: { drop: { entities: [{ type: 'Product', key: { upc: 'data.lines[*].upc' } }] } },
    ProductMoved: {
      drop: {
        entities: [
          { type: 'Product', key: { upc: 'subject' } },
          { type: 'Shelf', key: { code: 'data.shelves[*]' } },
        ],
      },
    },
  },
};

/** Changes something that clients see, and returns the event that tells of it. */
function change(random: RandomSource): string {
  const upc = random.pick(upcs);
  const known = stock.get(upc);
  if (known === undefined || random.chance(0.3)) {
    const to = random.pick(shelves);
    stock.set(upc, { left: random.between(0, 99), shelf: to });
    const shelvesOf = [...new Set([known?.shelf ?? to, to])];
    return eventBody({ type: 'ProductMoved', subject: upc, data: { shelves: shelvesOf } });
  }
  if (random.chance(0.6)) {
    known.left = random.between(0, 99);
    return eventBody({ type: 'StockChanged', subject: upc });
  }
  const counted = upcs.filter((each) => stock.has(each) && random.chance(0.5));
  for (const each of counted) stock.get(each)!.left = random.between(0, 99);
  return eventBody({
    type: 'StockCounted',
    subject: 'all',
    data: { lines: counted.map((each) => ({ upc: each })) },
  });
}

const queryOf = (random: RandomSource): string =>
  random.pick([
    `{ product(upc: "${random.pick(upcs)}") { name left } }`,
    `{ a: product(upc: "p1") { left shelf { code } } b: product(upc: "${random.pick(upcs)}") { upc left } }`,
    `{ shelf(code: "${random.pick(shelves)}") { products { upc left name } } }`,
    `{ product(upc: "${random.pick(upcs)}") { shelf { products { upc left } } } }`,
  ]);

/** How many events it has used, each once. */
const heard = async (gateway: TestGateway): Promise<number> => {
  const lines = (await gateway.metrics()).split('\n').filter((line) => line.includes('result="used"'));
  return sampleSum(lines.join('\n'), 'weir_events_total');
};

it.each<[string, () => Promise<{ store: string; close: () => Promise<void> }>]>([
  ['a memory each', async () => ({ store: 'memory:', close: async () => undefined })],
  ...(redisProgram === undefined
    ? []
    : [
        [
          'memory before a Redis that they share',
          async () => {
            const server = await startRedis();
            return { store: server.url, close: () => server.stop() };
          },
        ] as [string, () => Promise<{ store: string; close: () => Promise<void> }>],
      ]),
])('two gateways with %s serve nothing that is older than the events they have heard', async (_, open) => {
  stock.clear();
  const { store, close } = await open();
  const cached = await Promise.all([1, 2].map(() => start({ events, cache: { store, timeout: '5s' } })));
  const seed = Number(process.env['WEIR_SEED'] ?? 1);
  const random = new RandomSource(seed);
  try {
    for (const gateway of cached)
      await eventually(async () => sampleSum(await gateway.metrics(), 'weir_events_sources_up') === 1);
    let told = 0;
    for (let step = 0; step < steps; step++) {
      if (random.chance(0.25)) {
        const bodies = Array.from({ length: random.between(1, 3) }, () => change(random));
        // Queries while events are on their way may be older: they must not be kept.
        const meanwhile = cached.map((gateway) => gateway.query(queryOf(random)));
        publisher.publish(...bodies, ...(random.chance(0.2) ? [bodies[0]!] : []));
        if (random.chance(0.1)) publisher.cut();
        told += bodies.length;
        await Promise.all(meanwhile);
        for (const gateway of cached) await eventually(async () => (await heard(gateway)) === told);
      } else {
        const query = queryOf(random);
        const expected = await plain.query(query);
        for (const gateway of cached)
          expect({ seed, step, query, answer: await gateway.query(query) }).toEqual({
            ...{ seed, step, query },
            answer: expected,
          });
      }
    }
    const text = (await Promise.all(cached.map((gateway) => gateway.metrics()))).join('\n');
    const hits = text.split('\n').filter((line) => line.includes('result="hit"'));
    // A cache that is never used passes, too.
    expect(sampleSum(hits.join('\n'), 'weir_response_cache_requests_total')).toBeGreaterThan(steps / 10);
  } finally {
    await Promise.all(cached.map((gateway) => gateway.stop()));
    await close();
  }
});
