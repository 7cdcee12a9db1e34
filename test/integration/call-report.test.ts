/** The report of calls, as a gateway over real sockets counts them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallReport } from '../../gateway/console/api';
import type { GatewayOptions } from '../../gateway';
import { startCli } from '../support/run-cli';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let products: TestSubgraph;
let reviews: TestSubgraph;
let gateway: TestGateway | undefined;
let rating = 1;

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';

beforeAll(async () => {
  products = await startSubgraph({
    name: 'products',
    typeDefs: `${link}
      type Query { shelf: [Product!] }
      type Product @key(fields: "upc") { upc: ID!  name: String }`,
    resolvers: { Query: { shelf: () => [{ upc: '1' }, { upc: '2' }] } },
  });
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `${link}
      type Query { best: String }
      type Mutation { write: String }
      type Product @key(fields: "upc") { upc: ID!  rating: Int }`,
    resolvers: { Product: { rating: () => rating }, Mutation: { write: () => 'written' } },
  });
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  products.headers = reviews.headers = {};
});

afterAll(() => Promise.all([products.close(), reviews.close()]));

async function start(options: Omit<GatewayOptions, 'supergraph'> = {}): Promise<TestGateway> {
  return (gateway = await startTestGateway({
    ...options,
    supergraph: sourceOf(compose([products, reviews])),
  }));
}

async function report(query = ''): Promise<CallReport> {
  const response = await fetch(`${gateway!.adminUrl}/console/api/report${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as CallReport;
}

it('tells the calls of each operation and pair of services, and what could be cached', async () => {
  const to = await start();
  for (let i = 0; i < 20; i++) await to.query('query Shelf { shelf { upc rating } }');
  await to.query('mutation Write { write }');
  const { pairs, services, advice, operations, processes } = await report();
  expect(
    pairs.map(({ operation, subgraph, requests, callsPerRequest }) => [
      operation,
      subgraph,
      requests,
      callsPerRequest,
    ]),
  ).toEqual([
    ['Shelf', 'products', 20, 1],
    ['Shelf', 'reviews', 20, 1],
    ['Write', 'reviews', 1, 1],
  ]);
  expect(services.map(({ from, to, calls }) => [from, to, calls])).toEqual([
    ['gateway', 'products', 20],
    ['products', 'reviews', 20],
    ['gateway', 'reviews', 1],
  ]);
  expect(advice).toEqual([
    expect.stringMatching(/^Calls of `Shelf` to products could be cached/),
    expect.stringMatching(/^Calls of `Shelf` to reviews could be cached/),
  ]);
  expect(operations.map(({ name, type, answers }) => [name, type, answers.pass])).toEqual([
    ['Shelf', 'query', 20],
    ['Write', 'mutation', 1],
  ]);
  expect(processes).toBe(1);
});

it('tells what caches have saved, how old that was, and what had changed when it was fetched again', async () => {
  reviews.headers = { 'cache-control': 'public, max-age=1' };
  const to = await start({ cache: { responses: { enabled: false } } });
  const ask = () => to.query('query Shelf { shelf { upc rating } }');
  await ask();
  await ask();
  rating = 2;
  await new Promise((later) => setTimeout(later, 1_100));
  expect((await ask()).data.shelf[0].rating).toBe(2);
  const { pairs, caches } = await report();
  expect(pairs.find(({ subgraph }) => subgraph === 'reviews')).toMatchObject({
    requests: 3,
    plannedPerRequest: 1,
    saved: { cached: 1 },
  });
  expect(caches.find(({ type }) => type === 'Product')).toMatchObject({
    subgraph: 'reviews',
    misses: 4,
    refreshed: 2,
    changed: 2,
    ages: { fresh: { counts: [2, 0, 0, 0, 0, 0, 0, 0, 0] } },
  });
});

it('counts answers of the response cache, also those to requests that are known by their bytes', async () => {
  products.headers = { 'cache-control': 'public, max-age=60' };
  const to = await start();
  for (let i = 0; i < 4; i++) await to.query('query Shelf { shelf { upc } }');
  const { operations, caches } = await report();
  expect(operations).toMatchObject([{ executions: 1, answers: { miss: 1, hit: 3 } }]);
  expect(caches[0]!.ages.fresh.counts[0]).toBe(3);
  expect(caches[0]!.misses).toBe(1);
});

it('counts an answer as stale that is served while it is refreshed', async () => {
  products.headers = { 'cache-control': 'public, max-age=0, stale-while-revalidate=60' };
  const to = await start();
  for (let i = 0; i < 3; i++) await to.query('query Shelf { shelf { upc } }');
  const { operations, caches } = await report();
  expect(operations[0]!.answers).toEqual({ hit: 0, stale: 2, coalesced: 0, miss: 1, pass: 0 });
  expect(caches[0]).toMatchObject({
    misses: 1,
    ages: { 'stale-while-revalidate': { sum: expect.any(Number) } },
  });
  expect(caches[0]!.ages['stale-while-revalidate'].counts[0]).toBe(2);
});

it('is about the last minutes only if it is asked to be, and refuses what is no time', async () => {
  const to = await start();
  await to.query('query Shelf { shelf { upc } }');
  // No minute is over.
  expect((await report('?last=60000')).operations).toHaveLength(1);
  const refused = await fetch(`${to.adminUrl}/console/api/report?last=long`);
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('`last` must be a number of milliseconds');
});

describe('weir report', () => {
  const run = (...args: string[]) => startCli(['report', ...args]).result;

  it('adds up the counts of several gateways, as text and as JSON', async () => {
    const one = await start();
    await one.query('query Shelf { shelf { upc rating } }');
    const other = await startTestGateway({ supergraph: sourceOf(compose([products, reviews])) });
    try {
      for (let i = 0; i < 2; i++) await other.query('query Shelf { shelf { upc rating } }');
      const admins = ['--admin', one.adminUrl!, `${other.adminUrl!}/`, one.adminUrl!];
      const { stdout, exitCode, stderr } = await run(...admins, '--format', 'json');
      expect([exitCode, stderr]).toEqual([0, '']);
      const found = JSON.parse(stdout) as CallReport;
      expect(found).toMatchObject({ processes: 2, operations: [{ name: 'Shelf', executions: 3 }] });
      expect(found.services).toContainEqual({
        from: 'products',
        to: 'reviews',
        calls: 3,
        callsPerRequest: 1,
      });
      const text = (await run(...admins, '--since', '5m')).stdout;
      expect(text).toMatch(/^2 processes, /);
      expect(text).toMatch(/^products → reviews +3 +1\.00$/m);
    } finally {
      await other.stop();
    }
  });

  it('says what to do where it gets no report', async () => {
    const token = 'a-token-for-operators';
    const { adminUrl, url } = await start({ admin: { port: 0, token } });
    const origin = new URL(url).origin;
    const said = async (...args: string[]) => {
      const { exitCode, stderr, stdout } = await run(...args);
      expect([exitCode, stdout]).toEqual([2, '']);
      return stderr;
    };
    expect(await said('--admin', adminUrl!)).toBe(
      `weir: ${adminUrl!} wants a token: give the \`admin.token\` of the gateway with --token, or in WEIR_TOKEN.\n`,
    );
    expect(await said('--admin', adminUrl!, '--token', 'wrong')).toBe(
      `weir: ${adminUrl!} does not accept the token: give the \`admin.token\` of the gateway with --token, or in WEIR_TOKEN.\n`,
    );
    expect(await said('--admin', origin)).toBe(
      `weir: ${origin} has no report: name an admin port, of a gateway where \`admin.console.enabled\` is true.\n`,
    );
    expect((await run('--admin', adminUrl!, '--token', token)).exitCode).toBe(0);
    const answering = createServer((_, response) => response.end('{"operations":[]}')).listen(0, '127.0.0.1');
    try {
      await once(answering, 'listening');
      const { port } = answering.address() as AddressInfo;
      expect(await said('--admin', `http://127.0.0.1:${port}`)).toMatch(/does not answer with a report/);
    } finally {
      answering.close();
    }
  });
});
