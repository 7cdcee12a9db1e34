/** Header rules: whatever a subgraph may answer differently for is never shared between clients, whichever rule sends it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { GatewayOptions } from '../../gateway';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let products: TestSubgraph;
let reviews: TestSubgraph;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
  products = await startSubgraph({
    name: 'products',
    typeDefs: `${link} type Query { product: Product } type Product @key(fields: "upc") { upc: ID! }`,
    resolvers: { Query: { product: () => ({ upc: '1' }) } },
  });
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `${link} type Query { tenant: String } type Product @key(fields: "upc") { upc: ID!  tenant: String }`,
    resolvers: {
      Query: { tenant: (_: unknown, __: unknown, headers: Sent) => headers['x-tenant'] },
      Product: {
        __resolveReference: (it: object) => it,
        tenant: (_: unknown, __: unknown, headers: Sent) => headers['x-tenant'],
      },
    },
  });
  products.headers = reviews.headers = { 'cache-control': 'public, max-age=600' };
});

afterEach(async () => {
  products.answer = undefined;
  products.requests.length = reviews.requests.length = 0;
  await gateway?.stop();
  gateway = undefined;
});

afterAll(async () => {
  await Promise.all([products.close(), reviews.close()]);
});

type Sent = Readonly<Record<string, string | undefined>>;
type Options = Omit<GatewayOptions, 'supergraph'>;

/** Knows whoever calls by what they say in `authorization`. */
const auth: Options['auth'] = {
  anonymous: true,
  lambda: {
    module: ({ authorizationToken: tenant }: { authorizationToken: string }) =>
      Promise.resolve({ isAuthorized: true, resolverContext: { tenant } }),
  },
};

async function start(options: Options): Promise<TestGateway> {
  gateway = await startTestGateway({
    ...options,
    supergraph: sourceOf(compose([products, reviews])),
  });
  return gateway;
}

const onlyTo = (headers: object): Options => ({
  headers: { forward: [] },
  subgraphs: { reviews: { headers } },
});
const named = (tenant: string) => ({ 'x-tenant': tenant });
const byToken = (authorization: string) => ({ authorization, 'x-tenant': 'forged' });

describe.each<[string, Options, (tenant: string) => Record<string, string>, vary: string]>([
  ['forwarded by its name', { headers: { forward: ['x-tenant'] } }, named, 'x-tenant'],
  ['forwarded by a pattern', { headers: { forward: ['x-t*'] } }, named, '*'],
  [
    'forwarded under another name',
    { headers: { forward: [], rename: { 'x-client': 'x-tenant' } } },
    (tenant) => ({ 'x-client': tenant }),
    'x-client',
  ],
  [
    'of a claim',
    { auth, headers: { forward: ['x-*'], claims: { 'x-tenant': 'tenant' } } },
    byToken,
    '*, authorization',
  ],
  [
    'that would have a default',
    { headers: { forward: ['x-tenant'], defaults: { 'x-tenant': 'a' } } },
    (tenant) => (tenant === 'a' ? {} : named(tenant)),
    'x-tenant',
  ],
  ['forwarded to one subgraph by its name', onlyTo({ forward: ['x-tenant'] }), named, 'x-tenant'],
  ['forwarded to one subgraph by a pattern', onlyTo({ forward: ['*tenant'] }), named, '*'],
  [
    'forwarded to one subgraph under another name',
    onlyTo({ rename: { 'x-client': 'x-tenant' } }),
    (tenant) => ({ 'x-client': tenant, 'x-tenant': 'another' }),
    'x-client',
  ],
  [
    'of a claim for one subgraph',
    { auth, ...onlyTo({ claims: { 'x-tenant': 'tenant' } }) },
    byToken,
    'authorization',
  ],
])('a header %s', (_, options, headersOf, vary) => {
  const ask = async (query: string, tenant: string): Promise<Response> =>
    gateway!.post({ query }, { headers: headersOf(tenant) });

  it.each([
    ['the response cache', {}, '{ tenant }'],
    ['the entity cache', { responses: { enabled: false } }, '{ product { tenant } }'],
  ])('separates clients in %s, which answers each from what is its own', async (__, cache, query) => {
    await start({ ...options, cache });
    const tenants = ['a', 'b', 'a', 'b'];
    const answers: unknown[] = [];
    for (const tenant of tenants) {
      const response = await ask(query, tenant);
      if (query === '{ tenant }')
        expect(response.headers.get('vary')).toBe(`accept, accept-encoding, ${vary}`);
      const { data } = (await response.json()) as { data: { tenant?: string; product?: { tenant: string } } };
      answers.push(data.tenant ?? data.product!.tenant);
    }
    expect(answers).toEqual(tenants);
    expect(reviews.requests.map(({ headers }) => headers['x-tenant'])).toEqual(['a', 'b']);
  });

  it('separates clients that ask at the same time', async () => {
    await start({ ...options, cache: { entities: { enabled: false } } });
    // So that it is planned, and known as public.
    await ask('{ product { tenant } }', 'another');
    const held: (() => void)[] = [];
    products.answer = (___, response) =>
      held.push(() => response.end('{"data":{"product":{"__typename":"Product","upc":"1"}}}'));
    const tenants = ['a', 'b', 'a', 'b'];
    const answers = tenants.map(async (tenant) => (await ask('{ product { tenant } }', tenant)).json());
    while ((await gateway!.inFlight()) !== 4 || held.length === 0) await wait(5);
    products.answer = undefined;
    for (const answer of held) answer();
    expect(await Promise.all(answers)).toEqual(tenants.map((tenant) => ({ data: { product: { tenant } } })));
  });
});

it('lets one subgraph alone have its headers, and not have those of all', async () => {
  await start({
    headers: { forward: ['authorization'], set: { 'x-from': 'weir' } },
    subgraphs: {
      reviews: {
        headers: { forward: ['x-*'], exclude: ['authorization', 'x-internal-*'], set: { 'x-from': 'shop' } },
      },
    },
  });
  const headers = { authorization: 'Ada', 'x-tenant': 'a', 'x-internal-id': '7' };
  expect(await (await gateway!.post({ query: '{ product { tenant } }' }, { headers })).json()).toEqual({
    data: { product: { tenant: 'a' } },
  });
  expect(products.requests[0]!.headers).toMatchObject({ authorization: 'Ada', 'x-from': 'weir' });
  expect(products.requests[0]!.headers['x-tenant']).toBeUndefined();
  expect(reviews.requests[0]!.headers).toMatchObject({ 'x-tenant': 'a', 'x-from': 'shop' });
  expect(reviews.requests[0]!.headers.authorization).toBeUndefined();
  expect(reviews.requests[0]!.headers['x-internal-id']).toBeUndefined();
});

describe('the name of the operation', () => {
  const header = 'x-tenant';
  const query = (name: string) => `query ${name} { product { tenant } }`;
  const tenantIn = async (response: Response) =>
    ((await response.json()) as { data: { product: { tenant: string | null } } }).data.product.tenant;
  const sentTo = ({ requests }: TestSubgraph) => requests.map(({ headers }) => headers[header]);

  it('goes to subgraphs in a header, which never has what the client sent', async () => {
    await start({
      headers: { forward: ['x-*'], operationName: 'X-Tenant' },
      cache: { responses: { enabled: false } },
    });
    const ask = async (source: object) =>
      tenantIn(await gateway!.post(source, { headers: { [header]: 'forged' } }));
    expect(await ask({ query: query('A') })).toBe('A');
    // What is kept of one is not found by another.
    expect(await ask({ query: query('B') })).toBe('B');
    expect(await ask({ query: query('A') })).toBe('A');
    expect(sentTo(reviews)).toEqual(['A', 'B']);
    expect(await ask({ query: `${query('C')} ${query('D')}`, operationName: 'D' })).toBe('D');
    expect(await ask({ query: query('') })).toBeNull();
    expect(await ask({ query: query('L'.repeat(257)) })).toBeNull();
    expect(sentTo(products)).toEqual(['A', 'B', 'A', 'D', undefined, undefined]);
  });

  it('separates the calls of operations at the same time, and joins those of one name', async () => {
    await start({ headers: { operationName: header }, cache: { entities: { enabled: false } } });
    const held: (() => void)[] = [];
    products.answer = (__, response) =>
      held.push(() => response.end('{"data":{"product":{"__typename":"Product","upc":"1"}}}'));
    const names = ['A', 'B', 'A', 'B'];
    // Equal operations would share one execution.
    const answers = names.map(async (name, i) =>
      tenantIn(await gateway!.post({ query: `${query(name)} # ${i}` })),
    );
    while ((await gateway!.inFlight()) !== 4 || held.length !== 2) await wait(5);
    // Operations are planned in turn: those before this one have joined a call by then.
    await gateway!.post({ query: '{ __typename } # last' });
    products.answer = undefined;
    for (const answer of held) answer();
    expect(await Promise.all(answers)).toEqual(names);
    expect(sentTo(reviews).sort()).toEqual(['A', 'B']);
  });

  it('is of one subgraph, or of none that is independent, and may have a default', async () => {
    await start({
      headers: { operationName: header },
      subgraphs: {
        products: { identity: 'independent' },
        reviews: { headers: { operationName: 'x-query', defaults: { 'x-query': 'none' } } },
      },
    });
    for (const name of ['A', '']) await gateway!.post({ query: query(name) });
    expect(sentTo(products)).toEqual([undefined, undefined]);
    expect(sentTo(reviews)).toEqual([undefined, undefined]);
    expect(reviews.requests.map(({ headers }) => headers['x-query'])).toEqual(['A', 'none']);
  });
});

it('lets clients share what they are told apart by in no header of the subgraph', async () => {
  await start({
    cache: { responses: { enabled: false } },
    subgraphs: { reviews: { headers: { exclude: ['*'] } } },
  });
  for (const authorization of ['Ada', 'Alan'])
    await gateway!.post({ query: '{ product { tenant } }' }, { headers: { authorization } });
  expect(reviews.requests).toHaveLength(1);
});

it('adds what a hook forwards to the headers of every subgraph', async () => {
  await start({
    ...onlyTo({ forward: ['x-other'] }),
    hooks: { onRequest: (request) => request.forward('x-tenant', String(request.headers['x-who'])) },
  });
  for (const who of ['a', 'b'])
    expect(
      await (await gateway!.post({ query: '{ product { tenant } }' }, { headers: { 'x-who': who } })).json(),
    ).toEqual({ data: { product: { tenant: who } } });
});

describe.each([
  ['forwarded', 'set'],
  ['forwarded', 'defaults'],
  ['independent', 'set'],
] as const)('what was answered with other headers (%s, by `%s`)', (identity, rule) => {
  it('is not found after they have changed', async () => {
    const optionsWith = (tenant: string) => ({
      port: 0,
      admin: { port: 0 },
      subgraphs: { reviews: { identity, headers: { [rule]: { 'x-tenant': tenant } } } },
    });
    const folder = await mkdtemp(join(tmpdir(), 'weir-test-'));
    const file = join(folder, 'supergraph.graphql');
    await writeFile(file, compose([products, reviews]));
    gateway = await startTestGateway({ ...optionsWith('a'), supergraph: file });
    const ask = async () => [
      (await gateway!.query('{ tenant }')).data.tenant,
      (await gateway!.query('{ product { tenant } }')).data.product.tenant,
    ];
    expect(await ask()).toEqual(['a', 'a']);
    await gateway.reload(() => ({ ...optionsWith('b'), supergraph: file }));
    expect(await ask()).toEqual(['b', 'b']);
    await rm(folder, { recursive: true });
  });
});
