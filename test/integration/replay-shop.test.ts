/** `weir replay` between Weir and Apollo Server with `ApolloGateway`, over the shop. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildClientSchema, getIntrospectionQuery, print, visit } from 'graphql';
import type { FinishedReplay } from '../../cli/replay/describe-replay';
import { type RandomOperation, randomOperation } from '../support/random-operation';
import { RandomSource } from '../support/random-source';
import { startCli } from '../support/run-cli';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startShop, type Shop } from '../support/shop';

const folder = mkdtempSync(join(tmpdir(), 'weir-replay-shop-'));
const token = 'operators-only-0123456789';
const count = Number(process.env['WEIR_OPERATIONS'] ?? 40);
const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);

let shop: Shop;
let gateway: TestGateway;
let apollo: { readonly url: string; stop(): Promise<void> };

beforeAll(async () => {
  shop = await startShop();
  // Apollo Gateway runs no supergraph that has these.
  const supergraphSdl = shop.supergraphSdl.replace(
    /@link\(url: "[^"]*\/(cacheTag|authenticated|requiresScopes)\/v0.1"[^)]*\)/g,
    '',
  );
  const server = new ApolloServer({
    gateway: new ApolloGateway({ supergraphSdl, buildService: sourceWithKey }),
    introspection: true,
  });
  const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' } });
  apollo = { url, stop: () => server.stop() };
  gateway = await startTestGateway({
    ...{ supergraph: sourceOf(supergraphSdl), introspection: true, errors: { maskSubgraphs: 'none' } },
    subgraphs: { shipping: { appsync: { auth: { type: 'API_KEY', apiKey: shop.apiKey } } } },
    admin: { port: 0, token, console: { sampling: 1, values: true } },
    // Apollo Gateway has none.
    limits: { cost: unlimited, listSize: unlimited, selections: unlimited, rootFields: unlimited },
  });
});

afterAll(async () => {
  await Promise.all([apollo.stop(), gateway.stop()]);
  await shop.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function replay(b: string, requests: readonly object[]): Promise<FinishedReplay> {
  const file = join(folder, 'operations.jsonl');
  writeFileSync(file, requests.map((request) => JSON.stringify(request)).join('\n'));
  const { stdout } = await startCli([
    ...['replay', apollo.url, b, '--from', file, '--rate', '1000', '--concurrency', '2'],
    ...['--values', '--format', 'json'],
  ]).result;
  return JSON.parse(stdout) as FinishedReplay;
}

it('sends what the console has recorded, with its values', async () => {
  const query = 'query Recorded($upc: ID!) { product(upc: $upc) { name } }';
  for (const upc of ['p1', 'p2', 'none']) await gateway.post({ query, variables: { upc } });
  await gateway.post({ query: 'mutation Recorded { addToCart(upc: "p1", quantity: 1) { itemCount } }' });
  const args = ['replay', apollo.url, gateway.url, '--from', gateway.adminUrl!, '--rate', '1000'];
  const refused = await startCli(args).result;
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('wants a token') });
  const { exitCode, stdout } = await startCli([...args, '--format', 'json'], { WEIR_TOKEN: token }).result;
  const { operations, skipped } = JSON.parse(stdout) as FinishedReplay;
  expect(exitCode).toBe(0);
  expect(operations.find(({ name }) => name === 'Recorded')).toMatchObject({ compared: 3, equal: 3 });
  expect(skipped).toMatchObject({ mutation: 1 });
});

it('finds no difference in random operations', async () => {
  const answer = await gateway.post({ query: getIntrospectionQuery() });
  const schema = buildClientSchema(((await answer.json()) as { data: never }).data);
  const operations = Array.from({ length: count }, (_, i) =>
    withoutConditions(randomOperation(schema, new RandomSource(firstSeed + i))),
  );
  const found = await replay(
    gateway.url,
    operations.map(({ source, variables, operationName }) => ({
      // So long lists a subgraph refuses.
      ...{ query: source.replaceAll('2147483647', '7'), operationName },
      variables: JSON.parse(JSON.stringify(variables).replaceAll('2147483647', '7')) as unknown,
    })),
  );
  const different = found.operations.filter((operation) => operation.different > 0);
  // A subgraph answers 400 to what is too large for it: Apollo Gateway reports that without a path, and with a code of its own.
  const others = different.filter((operation) => !JSON.stringify(operation).includes('400: Bad Request'));
  expect(others).toEqual([]);
  expect(different.length).toBeLessThanOrEqual(1 + found.requests / 50);
  expect(found.requests).toBeGreaterThan(count / 2);
}, 600_000);

describe('finds a fault of Weir by its path:', () => {
  const query = `{
    products(first: 3) { edges { node { __typename upc weight name reviews(first: 2) { edges { node { id rating } } } } } }
    customerOrder(id: "none") { id }
  }`;
  const product = 'products.edges[].node';

  it.each<[string, edit: (text: string) => string | number, path: string, kind: string]>([
    ['none', (text) => text, '', ''],
    ['a value', (text) => text.replace(/"name":"/, '"name":"The '), `${product}.name`, 'value'],
    [
      'the form of a number',
      (text) => text.replace(/"rating":(\d+)/, '"rating":$1.0'),
      `${product}.reviews.edges[].node.rating`,
      'number',
    ],
    ['a null', (text) => text.replace(/"name":"[^"]*"/, '"name":null'), `${product}.name`, 'null'],
    ['a missing field', (text) => text.replace(/"upc":"[^"]*",/, ''), `${product}.upc`, 'missing'],
    ['a field too many', (text) => text.replace(/"upc":/, '"upc2":1,"upc":'), `${product}.upc2`, 'extra'],
    [
      'a type name',
      (text) => text.replace(/"__typename":"\w+"/, '"__typename":"Other"'),
      `${product}.__typename`,
      'value',
    ],
    [
      'another order',
      (text) => edited(text, ({ data }) => data.products.edges.reverse()),
      'products.edges',
      'order',
    ],
    [
      'a hidden row',
      (text) => edited(text, ({ data }) => data.products.edges.pop()),
      'products.edges',
      'length',
    ],
    [
      'the path of an error',
      (text) => edited(text, ({ errors }) => (errors[0]!.path = ['products'])),
      'customerOrder',
      'error-path',
    ],
    [
      'the code of an error',
      (text) => edited(text, ({ errors }) => (errors[0]!.extensions = { code: 'OTHER' })),
      'customerOrder',
      'error-code',
    ],
    ['a lost error', (text) => edited(text, ({ errors }) => errors.pop()), 'customerOrder', 'error-missing'],
    ['an error of HTTP', () => 502, '', 'status'],
  ])('%s', async (_name, edit, path, kind) => {
    const faulty = createServer((request, response) => {
      void answered(request).then(([status, text]) => {
        const fault = text.includes('products') ? edit(text) : text;
        if (typeof fault === 'string') response.writeHead(status).end(fault);
        else response.writeHead(fault).end(text);
      });
    }).listen(0, '127.0.0.1');
    await once(faulty, 'listening');
    const { port } = faulty.address() as AddressInfo;
    const { operations } = await replay(`http://127.0.0.1:${port}/`, [{ query }]);
    faulty.close().closeAllConnections();
    const paths = operations[0]!.paths.map((found) => `${found.kind} ${found.path}`);
    expect(paths).toEqual(kind === '' ? [] : [`${kind} ${path}`]);
  });
});

async function answered(request: IncomingMessage): Promise<[status: number, text: string]> {
  const response = await gateway.post(await json(request));
  return [response.status, await response.text()];
}

interface ShopAnswer {
  data: { products: { edges: unknown[] } };
  errors: { path: unknown; extensions: unknown }[];
}

function edited(text: string, edit: (answer: ShopAnswer) => unknown): string {
  const answer = JSON.parse(text) as ShopAnswer;
  edit(answer);
  return JSON.stringify(answer);
}

const unlimited = 1_000_000_000;

/** Of a field whose whole selection is excluded by conditions, Apollo Gateway answers null, whatever the field has. */
function withoutConditions({ document, ...operation }: RandomOperation): RandomOperation {
  const unconditional = visit(document, {
    Directive: ({ name }) => (/^(?:skip|include)$/.test(name.value) ? null : undefined),
  });
  const used = new Set<string>();
  visit(unconditional, { Variable: ({ name }, key) => void (key === 'variable' || used.add(name.value)) });
  const without = visit(unconditional, {
    VariableDefinition: ({ variable }) => (used.has(variable.name.value) ? undefined : null),
  });
  return { ...operation, document: without, source: print(without) };
}

/** One of the subgraphs wants a key. */
function sourceWithKey({ name, url }: { readonly name: string; readonly url?: string | undefined }) {
  return new RemoteGraphQLDataSource({
    url: url!,
    willSendRequest({ request }) {
      if (name === 'shipping') request.http?.headers.set('x-api-key', shop.apiKey);
    },
  });
}
