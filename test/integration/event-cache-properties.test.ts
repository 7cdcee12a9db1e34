/**
 * Once a gateway has heard an event, it serves nothing older: random queries of two gateways with caches, and of one without,
 * while the data changes behind their backs and only events tell of it. Clients that follow a product get each of its
 * events once, and nothing older than it, though they come back to the one or the other gateway.
 */
import { amountOf, timeFor, whole } from '../support/amounts';
import { startDynamo } from '../support/cache-stores';
import { eventBody, type Publisher, startPublisher } from '../support/event-publisher';
import { eventually } from '../support/process';
import { RandomSource } from '../support/random-source';
import { redisProgram, startRedis } from '../support/redis-server';
import {
  type Json,
  sampleSum,
  sourceOf,
  startTestGateway,
  type TestGateway,
} from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { overWebSocket, type Subscriber } from '../support/subscription-clients';

const steps = amountOf('WEIR_STEPS', 60, 1000);
jest.setTimeout(timeFor(steps, 300));
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
/** The stock of products, and the shelf that each stands on. Some of them do not exist yet. */
const stock = new Map<string, { left: number; shelf: string; version: number }>();
const upcs = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
const shelves = ['a', 'b'];
const found = (upc: string): Json => {
  const known = stock.get(upc);
  return (
    known && {
      __typename: 'Product',
      upc,
      left: known.left,
      version: known.version,
      shelf: { code: known.shelf },
    }
  );
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
      type Subscription { productChanged(upcs: [ID!]!): Product }
      type Product @key(fields: "upc") { upc: ID!  left: Int  version: Int  shelf: Shelf }
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
  subscriptions: {
    productChanged: {
      types: ['StockChanged', 'ProductMoved'],
      source: 'stock',
      key: { upc: 'subject' },
      filter: [{ subject: { in: '{$args.upcs}' } }],
    },
  },
};

/** Changes something that clients see, and returns the event that tells of it. */
function change(random: RandomSource): string {
  const upc = random.pick(upcs);
  const known = stock.get(upc);
  if (known === undefined || random.chance(0.3)) {
    const to = random.pick(shelves);
    stock.set(upc, { left: random.between(0, 99), shelf: to, version: (known?.version ?? 0) + 1 });
    const shelvesOf = [...new Set([known?.shelf ?? to, to])];
    return eventBody({ type: 'ProductMoved', subject: upc, data: { shelves: shelvesOf } });
  }
  if (random.chance(0.6)) {
    known.left = random.between(0, 99);
    known.version++;
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

interface Follower {
  readonly upcs: readonly string[];
  subscriber: Subscriber;
  cursor: string | undefined;
  /** What it must be told, and how new that is at least. */
  due: { readonly upc: string; readonly version: number }[];
}

const following = 'subscription ($upcs: [ID!]!) { productChanged(upcs: $upcs) { upc left version name } }';

/** Subscribes, behind the last answer that the client has. */
async function open(follower: Omit<Follower, 'subscriber'>, gateway: TestGateway): Promise<Subscriber> {
  const active = async () => sampleSum(await gateway.metrics(), 'weir_subscriptions_active');
  const before = await active();
  const { upcs, cursor } = follower;
  const extensions = cursor === undefined ? {} : { after: cursor };
  const subscriber = overWebSocket(gateway.url, { query: following, variables: { upcs }, extensions });
  // Before its first event it has no cursor, and would miss what happens now.
  if (cursor === undefined) await eventually(async () => (await active()) > before);
  return subscriber;
}

async function takeAll(follower: Follower): Promise<void> {
  for (const { upc, version } of follower.due.splice(0)) {
    const { data, extensions } = await follower.subscriber.next();
    expect({ gap: extensions.weir.gap, upc: data?.productChanged.upc }).toEqual({ gap: undefined, upc });
    expect(data.productChanged.version).toBeGreaterThanOrEqual(version);
    follower.cursor = extensions.weir.cursor;
  }
}

interface TestStore {
  readonly store: string;
  readonly close: () => Promise<void>;
}
type Place = [string, number, () => Promise<TestStore>];
const stores: Place[] = [
  ['a memory each', steps, async () => ({ store: 'memory:', close: async () => undefined })],
  [
    'memory before a Redis that they share',
    steps,
    async () => {
      const server = await startRedis();
      return { store: server.url, close: () => server.stop() };
    },
  ],
  ...whole<Place>(['memory before a DynamoDB that they share', Math.ceil(steps / 3), startDynamo]),
];

it.each(stores.filter(([name]) => redisProgram !== undefined || !name.includes('Redis')))(
  'two gateways with %s serve nothing that is older than the events they have heard',
  async (_, count, openStore) => {
    stock.clear();
    const { store, close } = await openStore();
    const cached = await Promise.all([1, 2].map(() => start({ events, cache: { store, timeout: '5s' } })));
    const seed = Number(process.env['WEIR_SEED'] ?? 1);
    const random = new RandomSource(seed);
    const followers: Follower[] = [];
    try {
      for (const gateway of cached)
        await eventually(async () => sampleSum(await gateway.metrics(), 'weir_events_sources_up') === 1);
      for (const [i, gateway] of cached.entries()) {
        const follower = { upcs: upcs.slice(2 * i, 2 * i + 4), cursor: undefined, due: [] };
        followers.push({ ...follower, subscriber: await open(follower, gateway) });
      }
      let told = 0;
      for (let step = 0; step < count; step++) {
        if (random.chance(0.25)) {
          const leaving = followers.filter(({ cursor }) => cursor !== undefined && random.chance(0.3));
          for (const { subscriber } of leaving) subscriber.close();
          const bodies = Array.from({ length: random.between(1, 3) }, () => change(random));
          // Queries while events are on their way may be older: they must not be kept.
          const meanwhile = cached.map((gateway) => gateway.query(queryOf(random)));
          publisher.publish(...bodies, ...(random.chance(0.2) ? [bodies[0]!] : []));
          if (random.chance(0.1)) publisher.cut();
          for (const follower of followers)
            for (const { type, subject } of bodies.map((body) => JSON.parse(body)))
              if (type !== 'StockCounted' && follower.upcs.includes(subject))
                follower.due.push({ upc: subject, version: stock.get(subject)!.version });
          // Before or after its gateway has heard the events.
          for (const each of leaving) each.subscriber = await open(each, random.pick(cached));
          told += bodies.length;
          await Promise.all(meanwhile);
          for (const gateway of cached) await eventually(async () => (await heard(gateway)) === told);
          for (const follower of followers) await takeAll(follower);
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
      expect(sampleSum(hits.join('\n'), 'weir_response_cache_requests_total')).toBeGreaterThan(count / 10);
    } finally {
      for (const { subscriber } of followers) subscriber.close();
      await Promise.all(cached.map((gateway) => gateway.stop()));
      await close();
    }
  },
);
