/**
 * The cache of entities over real sockets: what it saves, and what makes it forget. Longer than other files: all of it
 * needs the same graph and its counts.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { GatewayOptions } from '../../gateway';
import { eventually } from '../support/process';
import { redisProgram, startRedis } from '../support/redis-server';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let products: TestSubgraph;
let reviews: TestSubgraph;
const gateways: TestGateway[] = [];
let ratings = 0;
/** How long reviews has worked, in milliseconds: it takes one for each product. */
let worked = 0;
/** What reviews does not know. */
const absent = new Set<string>();

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key", "@cacheTag"])`;

beforeAll(async () => {
  products = await startSubgraph({
    name: 'products',
    typeDefs: `
      ${link}
      type Query { products(upcs: [ID!]!): [Product!] }
      type Product @key(fields: "upc") { upc: ID!  name: String }
    `,
    resolvers: {
      Query: {
        products: (_: unknown, { upcs }: { upcs: string[] }) => upcs.map((upc) => ({ upc, name: upc })),
      },
    },
  });
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `
      ${link}
      type Query { best: Product  rated(upc: ID!): Product }
      type Mutation { rate(upc: ID!): Product  reset: Boolean }
      type Product @key(fields: "upc") @cacheTag(format: "rating-{$key.upc}") {
        upc: ID!  rating: Int  stars: Int  critics: Int
      }
    `,
    resolvers: {
      Query: { rated: (_: unknown, { upc }: { upc: string }) => (absent.has(upc) ? null : { upc }) },
      Mutation: {
        rate: (_: unknown, { upc }: { upc: string }) => {
          absent.delete(upc);
          return { upc };
        },
        reset: () => true,
      },
      Product: {
        __resolveReference: async ({ upc }: { upc: string }) => {
          worked += 1;
          return absent.has(upc) ? null : { upc };
        },
        rating: () => ratings,
        stars: () => ratings,
        critics: () => ratings,
      },
    },
  });
});

beforeEach(() => {
  ratings = 1;
  worked = 0;
  absent.clear();
  reviews.answer = undefined;
  reviews.headers = { 'cache-control': 'public, max-age=60' };
  products.requests.length = reviews.requests.length = 0;
});

afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
});

afterAll(async () => {
  await Promise.all([products.close(), reviews.close()]);
});

const token = 'invalidation-token';

async function start(options: Omit<GatewayOptions, 'supergraph'> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({
    ...options,
    admin: { port: 0, token },
    supergraph: sourceOf(compose([products, reviews])),
  });
  gateways.push(gateway);
  return gateway;
}

const page = 'query Page($upcs: [ID!]!) { products(upcs: $upcs) { name rating } }';

async function ratingsOf(gateway: TestGateway, upcs: readonly string[]): Promise<Json> {
  const { data, errors } = await gateway.query(page, { upcs: [...upcs] });
  expect(errors).toBeUndefined();
  return data.products.map(({ rating }: Json) => rating);
}

async function invalidate({ adminUrl }: TestGateway, body: object): Promise<void> {
  const response = await fetch(`${adminUrl}/cache/invalidate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

it('asks a subgraph for the ten of fifty entities that are not known, which takes a fifth of its time', async () => {
  const gateway = await start();
  await ratingsOf(gateway, range(0, 40));
  worked = 0;
  await ratingsOf(gateway, range(0, 50));
  expect(reviews.requests.at(-1)!.body.variables.representations).toHaveLength(10);
  const withCache = worked;
  const without = await start({ cache: { entities: { enabled: false } } });
  worked = 0;
  await ratingsOf(without, range(0, 50));
  expect(withCache / worked).toBeLessThanOrEqual(0.3);
});

it('says what it saved, in metrics', async () => {
  const gateway = await start();
  for (let i = 0; i < 3; i++) await ratingsOf(gateway, ['1', '2']);
  const metrics = await gateway.metrics();
  expect(metrics).toMatch(/weir_cache_entities_total\{subgraph="reviews",result="hit"\} 4/);
  expect(metrics).toMatch(/weir_cache_entities_total\{subgraph="reviews",result="miss"\} 2/);
  expect(metrics).toMatch(/weir_subgraph_fetches_total\{subgraph="reviews",result="cached"\} 2/);
  // Nobody was called for it.
  expect(metrics).toMatch(
    /http_client_request_duration_seconds_count\{subgraph="reviews".*http_response_status_code="200"\} 1\n/,
  );
});

it('does not let fields of a short life shorten that of others', async () => {
  const gateway = await start();
  // Both selections are wanted at once, and go in one call: its response lives as long as the shorter of them.
  const both =
    'query($upcs: [ID!]!) { a: products(upcs: $upcs) { stars } b: products(upcs: $upcs) { critics } }';
  reviews.answer = (_, response) => {
    const { query, variables } = reviews.requests.at(-1)!.body;
    const lists = Object.keys(variables);
    const data = Object.fromEntries(
      lists.map((name, i) => [
        lists.length === 1 ? '_entities' : `_entities_${/\d+/.exec(name)?.[0] ?? i}`,
        variables[name].map(() => (query.includes('critics') ? { critics: 1, stars: 1 } : { stars: 1 })),
      ]),
    );
    response.setHeader('cache-control', query.includes('critics') ? 'no-store' : 'public, max-age=60');
    response.end(JSON.stringify({ data }));
  };
  for (let i = 0; i < 4; i++) await gateway.query(both, { upcs: ['1'] });
  const last = reviews.requests.at(-1)!.body.query;
  expect(last).toContain('critics');
  expect(last).not.toContain('stars');
});

describe('a mutation', () => {
  it('drops the entities that it answers with, though the client has not asked for their keys', async () => {
    const gateway = await start();
    await ratingsOf(gateway, ['1', '2']);
    ratings = 2;
    const { data } = await gateway.query('mutation { rate(upc: "1") { stars } }');
    expect(data).toEqual({ rate: { stars: 2 } });
    expect(await ratingsOf(gateway, ['1', '2'])).toEqual([2, 1]);
  });

  it('drops what the options declare for it, with its arguments', async () => {
    const gateway = await start({
      cache: { mutations: { dropReturned: false, drop: { rate: { tags: ['rating-{$args.upc}'] } } } },
    });
    await ratingsOf(gateway, ['1', '2']);
    ratings = 2;
    await gateway.query('mutation($u: ID!) { rate(upc: $u) { stars } }', { u: '1' });
    expect(await ratingsOf(gateway, ['1', '2'])).toEqual([2, 1]);
  });

  it('drops what the subgraph names in its response', async () => {
    const gateway = await start();
    await ratingsOf(gateway, ['1', '2']);
    ratings = 2;
    reviews.headers = { 'cache-group-invalidation': '"rating-1", "other"' };
    await gateway.query('mutation { reset }');
    reviews.headers = { 'cache-control': 'public, max-age=60' };
    expect(await ratingsOf(gateway, ['1', '2'])).toEqual([2, 1]);
  });
});

describe('what was not there when it was asked for', () => {
  const rated = async (gateway: TestGateway): Promise<Json> => {
    const { data } = await gateway.query('{ rated(upc: "new") { stars } }');
    return [data.rated, ...(await ratingsOf(gateway, ['new', '1']))];
  };

  it.each<[string, (gateway: TestGateway) => Promise<unknown>]>([
    [
      'an invalidation of the entity',
      async (gateway) => {
        absent.clear();
        await invalidate(gateway, { entities: [{ type: 'Product', key: { upc: 'new' } }] });
      },
    ],
    [
      'a mutation that answers with it',
      (gateway) => gateway.query('mutation { rate(upc: "new") { stars } }'),
    ],
  ])('is seen after %s', async (_, make) => {
    absent.add('new');
    const gateway = await start();
    expect(await rated(gateway)).toEqual([null, null, 1]);
    const before = reviews.requests.length;
    expect(await rated(gateway)).toEqual([null, null, 1]);
    expect(reviews.requests).toHaveLength(before);
    await make(gateway);
    expect(await rated(gateway)).toEqual([{ stars: 1 }, 1, 1]);
  });
});

it('drops what an event says has changed', async () => {
  let told: ((invalidation: { tags: string[] }) => Promise<void>) | undefined;
  const stop = jest.fn(async () => undefined);
  const gateway = await start({
    invalidations: {
      start: (invalidate) => {
        told = invalidate;
      },
      stop,
    },
  });
  await ratingsOf(gateway, ['1', '2']);
  ratings = 2;
  await told!({ tags: ['rating-1'] });
  expect(await ratingsOf(gateway, ['1', '2'])).toEqual([2, 1]);
  await expect(told!({} as never)).rejects.toThrow(/at least one of/);
  await gateway.stop();
  expect(stop).toHaveBeenCalledTimes(1);
});

it('says in development how many entities of which subgraph were stale', async () => {
  const gateway = await start({ mode: 'development', retries: { max: 0 } });
  reviews.headers = { 'cache-control': 'public, max-age=0, stale-if-error=60' };
  const fresh = await gateway.query(page, { upcs: ['1', '2'] });
  expect(fresh.extensions.weir.calls).not.toHaveProperty('stale');
  reviews.answer = (_, response) => response.writeHead(503).end();
  const { data, extensions } = await gateway.query(page, { upcs: ['1', '2'] });
  expect(data.products.map(({ rating }: Json) => rating)).toEqual([1, 1]);
  expect(extensions.weir.calls.stale).toEqual({ reviews: 2 });
});

(redisProgram === undefined ? describe.skip : describe)('gateways that share a store', () => {
  it('serve nothing old from it after an invalidation, and from their memory not beyond the bound', async () => {
    const redis = await startRedis();
    try {
      const options = { cache: { store: redis.url, memoryBound: '1s', timeout: '5s' } } as const;
      const [one, other] = [await start(options), await start(options)];
      await eventually(async () => {
        await ratingsOf(one, ['1']);
        const before = reviews.requests.length;
        await ratingsOf(other, ['1']);
        return reviews.requests.length === before;
      });
      ratings = 2;
      await invalidate(one, { entities: [{ type: 'Product', key: { upc: '1' } }] });
      const invalidated = performance.now();
      expect(await ratingsOf(one, ['1'])).toEqual([2]);
      let lastOld = 0;
      while (performance.now() - invalidated < 1_500) {
        const asked = performance.now();
        if ((await ratingsOf(other, ['1']))[0] === 1) lastOld = asked - invalidated;
        await wait(10);
      }
      expect(lastOld).toBeLessThan(1_000);
    } finally {
      await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
      await redis.stop();
    }
  });

  it('refresh an entity once, all of them together', async () => {
    const redis = await startRedis();
    try {
      const options = { cache: { store: redis.url, tiered: false, timeout: '5s' } } as const;
      const both = [await start(options), await start(options)];
      reviews.headers = { 'cache-control': 'public, max-age=1, stale-while-revalidate=60' };
      await eventually(async () => {
        for (const gateway of both) await ratingsOf(gateway, ['1']);
        const before = reviews.requests.length;
        for (const gateway of both) await ratingsOf(gateway, ['1']);
        return reviews.requests.length === before;
      });
      await wait(1_200);
      const before = reviews.requests.length;
      reviews.headers = { 'cache-control': 'public, max-age=60' };
      await Promise.all(range(0, 20).map((i) => ratingsOf(both[Number(i) % 2]!, ['1'])));
      await eventually(() => reviews.requests.length > before);
      await wait(100);
      expect(reviews.requests.length - before).toBe(1);
    } finally {
      await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
      await redis.stop();
    }
  });
});
