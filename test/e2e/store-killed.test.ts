/** A shared store that is killed, or hangs, under load: what clients of gateways notice, over real sockets. */
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { OptionsInput } from '../../gateway';
import { eventually } from '../support/process';
import { redisProgram, type RedisServer, sayWithoutRedis, startRedis } from '../support/redis-server';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

sayWithoutRedis();

let products: TestSubgraph;
let reviews: TestSubgraph;
/** What a subgraph answers from now on. */
let version = 1;
const upcs = Array.from({ length: 20 }, (_, i) => `p${i}`);

beforeAll(async () => {
  const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
  products = await startSubgraph({
    name: 'products',
    typeDefs: `${link} type Query { products(upcs: [ID!]!): [Product!] } type Product @key(fields: "upc") { upc: ID! }`,
    resolvers: {
      Query: { products: (_: unknown, { upcs: all }: Json) => all.map((upc: string) => ({ upc })) },
    },
  });
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `${link} type Query { unused: Int } type Product @key(fields: "upc") { upc: ID! rating: Int }`,
    resolvers: {
      Product: { __resolveReference: ({ upc }: Json) => ({ upc }), rating: () => version },
    },
  });
  for (const subgraph of [products, reviews]) subgraph.headers = { 'cache-control': 'public, max-age=600' };
});
afterAll(async () => {
  await Promise.all([products.close(), reviews.close()]);
});

const token = 'a-token-for-operators';
const memoryBound = 300;

const start = (cache: OptionsInput['cache']): Promise<TestGateway> =>
  startTestGateway({
    supergraph: sourceOf(compose([products, reviews])),
    admin: { port: 0, token },
    ...(cache && { cache }),
  });

async function invalidate({ adminUrl }: TestGateway): Promise<number> {
  const response = await fetch(`${adminUrl}/cache/invalidate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: '{"types":["Product"]}',
  });
  return response.status;
}

/** Clients that ask one after another, until it is told to stop. */
function load(gateway: TestGateway) {
  const times: number[] = [];
  const failed: unknown[] = [];
  const old: unknown[] = [];
  let isStopped = false as boolean;
  /** What answers must say to requests that begin from now on. */
  let atLeast = version;
  const clients = Array.from({ length: 3 }, async (_, client) => {
    for (let i = client; !isStopped; i++) {
      const [first, expected] = [i % upcs.length, atLeast];
      const began = performance.now();
      const query = 'query Ratings($upcs: [ID!]!) { products(upcs: $upcs) { rating } }';
      const variables = { upcs: [...upcs, ...upcs].slice(first, first + 3) };
      const answer: Json = await gateway
        .query(query, variables)
        .catch((error: unknown) => ({ errors: [String(error)] }));
      times.push(performance.now() - began);
      if (answer.errors !== undefined || answer.data.products.length !== 3) failed.push(answer);
      else if (answer.data.products.some(({ rating }: Json) => rating < expected))
        old.push({ answer, expected });
      await wait(10);
    }
  });
  return {
    expectFrom: (least: number) => (atLeast = least),
    get count() {
      return times.length;
    },
    /** What there was since it was last asked. */
    take() {
      const taken = { p99: quantile(times, 0.99), failed: [...failed], old: [...old] };
      times.length = failed.length = old.length = 0;
      return taken;
    },
    stop: async () => {
      isStopped = true;
      await Promise.all(clients);
    },
  };
}

const quantile = (times: readonly number[], q: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * q)]!;

const caches: readonly { name: string; own: OptionsInput['cache'] }[] = [
  { name: 'the response cache', own: { entities: { enabled: false } } },
  { name: 'the entity cache', own: { responses: { enabled: false } } },
];
const describeEach = redisProgram === undefined ? describe.skip.each : describe.each;

describeEach(caches)('$name', ({ name, own }) => {
  let server: RedisServer;
  let gateways: TestGateway[] = [];
  let loads: ReturnType<typeof load>[] = [];
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    await Promise.all(loads.splice(0).map((each) => each.stop()));
    await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
    await server.stop();
  });

  it.each(['killed', 'frozen'] as const)(
    'fails no request while its store is %s, serves nothing that was invalidated, and comes back by itself',
    async (fault) => {
      version = 1;
      const cache = { ...own, store: server.url, memoryBound };
      const isKept = async (gateway: TestGateway): Promise<boolean> => {
        const asked = (): number =>
          reviews.requests.filter(({ body }) => JSON.stringify(body).includes('"kept"')).length;
        const before = asked();
        await gateway.query('{ products(upcs: ["kept"]) { rating } }');
        return asked() === before;
      };
      const off = { entities: { enabled: false }, responses: { enabled: false } };
      gateways = await Promise.all([start(cache), start(cache), start(off)]);
      const [one, other] = gateways as [TestGateway, TestGateway, TestGateway];
      await eventually(() => isKept(one));
      loads = gateways.map(load);
      const takeAll = () => loads.map((each) => each.take());
      /** Each gateway has answered some requests more. */
      const expectWell = async (): Promise<void> => {
        await eventually(() => loads.every((each) => each.count >= 20), 20_000);
        for (const { failed, old } of takeAll()) expect({ failed, old }).toEqual({ failed: [], old: [] });
      };
      await expectWell();
      await server.save();
      takeAll();

      if (fault === 'killed') await server.kill();
      else server.freeze();
      for (let round = 0; round < 2; round++) {
        version++;
        expect(await invalidate(one)).toBe(503);
        loads[0]!.expectFrom(version);
        // The other one has not heard of it: what it has in memory is good for the bound and no longer.
        await wait(memoryBound + 100);
        loads[1]!.expectFrom(version);
      }
      await eventually(() => loads.every((each) => each.count >= 20), 20_000);
      const [during, , without] = takeAll() as [Taken, Taken, Taken];
      for (const { failed, old } of [during, without])
        expect({ failed, old }).toEqual({ failed: [], old: [] });
      process.stdout.write(
        `\n${name}, store ${fault}: p99 ${during.p99.toFixed(1)} ms, without a store ${without.p99.toFixed(1)} ms\n`,
      );
      if (process.env['WEIR_QUIET'] === '1') expect(during.p99).toBeLessThanOrEqual(2 * without.p99);

      if (fault === 'killed') await server.restart();
      else server.thaw();
      await eventually(() =>
        [one, other].every(({ log }) => log.some(({ msg }) => msg === 'the cache store is available again')),
      );
      await expectWell();
      await eventually(() => isKept(one));
      version++;
      await eventually(async () => (await invalidate(one)) === 200);
      loads[0]!.expectFrom(version);
      await wait(memoryBound + 100);
      loads[1]!.expectFrom(version);
      await expectWell();
      await eventually(() => isKept(other));
    },
    60_000,
  );
});

type Taken = ReturnType<ReturnType<typeof load>['take']>;
