/** Calls of subgraphs that client requests share, over real sockets. */
import { setTimeout as wait } from 'node:timers/promises';
import type { GatewayOptions } from '../../gateway';
import { sourceOf, startTestGateway, type Json, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let products: TestSubgraph;
let reviews: TestSubgraph;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  products = await startSubgraph({
    name: 'products',
    typeDefs: `
      ${link}
      type Query { product(upc: ID!): Product  shelf: [Product!] }
      type Product @key(fields: "upc") { upc: ID!  name: String }
    `,
    resolvers: {
      Query: {
        product: (_: unknown, { upc }: { upc: string }) => ({ upc, name: `product ${upc}` }),
        shelf: () => [{ upc: '1' }, { upc: '2' }],
      },
    },
  });
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `
      ${link}
      type Query { latest: String  best: String }
      type Mutation { write(text: String!): String }
      type Product @key(fields: "upc") { upc: ID!  rating: Int  review: String }
    `,
    resolvers: {
      Query: { latest: () => 'latest', best: () => 'best' },
      Mutation: { write: (_: unknown, { text }: { text: string }) => text },
      Product: {
        __resolveReference: ({ upc }: { upc: string }) => ({ upc, rating: Number(upc) }),
        review: ({ upc }: { upc: string }) => {
          if (upc === '13') throw new Error('No luck.');
          return `review of ${upc}`;
        },
      },
    },
  });
});

afterEach(async () => {
  products.answer = reviews.answer = undefined;
  products.requests.length = reviews.requests.length = 0;
  await gateway?.stop();
  gateway = undefined;
});

afterAll(async () => {
  await Promise.all([products.close(), reviews.close()]);
});

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])';

async function start({ calls, ...options }: Omit<GatewayOptions, 'supergraph'> = {}): Promise<TestGateway> {
  gateway = await startTestGateway({
    // What is shared at the edge does not come to these calls.
    cache: { responses: { enabled: false } },
    calls: { coalesce: false, ...calls },
    errors: { maskSubgraphs: 'none' },
    ...options,
    supergraph: sourceOf(compose([products, reviews])),
  });
  return gateway;
}

const page = 'query Page($upc: ID!) { product(upc: $upc) { name rating review } }';

describe('headers of `calls.sharedHeaders`', () => {
  /** Answers with the header that it gets, when so many clients wait for it. */
  async function agentsOf(headers: Record<string, string>, clients: readonly string[], count: number) {
    const held: (() => void)[] = [];
    reviews.answer = (request, response) => {
      response.setHeaders(new Map(Object.entries({ 'cache-control': 'public, max-age=60', ...headers })));
      const body = JSON.stringify({ data: { latest: request.headers['user-agent'] } });
      if (held.length < count) held.push(() => response.end(body));
      else response.end(body);
    };
    const to = await start({
      headers: { forward: ['user-agent'] },
      calls: { sharedHeaders: ['user-agent'] },
    });
    const answers = clients.map(async (agent) => {
      const response = await to.post({ query: '{ latest }' }, { headers: { 'user-agent': agent } });
      return ((await response.json()) as Json).data.latest as string;
    });
    while ((await to.inFlight()) !== clients.length || held.length < count) await wait(5);
    for (const answer of held) answer();
    return Promise.all(answers);
  }

  it('separate no calls: the first client names them', async () => {
    const [one, two] = await agentsOf({}, ['a', 'b'], 1);
    expect(one).toBe(two);
    expect(reviews.requests).toHaveLength(1);
  });

  it('keep a response to its client that varies by them', async () => {
    expect(await agentsOf({ vary: 'Accept, User-Agent' }, ['a', 'b'], 1)).toEqual(['a', 'b']);
    expect(reviews.requests).toHaveLength(2);
  });

  it('come after the rules for headers: nothing that these set, rename or exclude is of the client', async () => {
    const to = await start({
      headers: {
        forward: [],
        exclude: ['x-debug*'],
        rename: { 'x-lang': 'x-language' },
        set: { 'x-region': 'eu' },
        claims: { 'x-user': 'sub' },
      },
      subgraphs: { reviews: { headers: { exclude: ['x-inner'], claims: { 'x-tenant': 'tenant' } } } },
      calls: {
        sharedHeaders: [
          ...['user-agent', 'x-debug-1', 'x-language', 'x-region', 'x-user'],
          ...['x-inner', 'x-tenant'],
        ],
      },
    });
    const sent = ['x-debug-1', 'x-language', 'x-region', 'x-user', 'x-inner', 'x-tenant', 'user-agent'];
    const headers = Object.fromEntries(sent.map((name) => [name, 'sent']));
    await to.post({ query: '{ shelf { upc } latest }' }, { headers });
    const seenBy = (subgraph: TestSubgraph) => {
      const { headers: seen } = subgraph.requests[0]!;
      return Object.fromEntries(sent.flatMap((name) => (name in seen ? [[name, seen[name]]] : [])));
    };
    const ofAll = { 'user-agent': 'sent', 'x-region': 'eu' };
    expect(seenBy(reviews)).toEqual(ofAll);
    expect(seenBy(products)).toEqual({ ...ofAll, 'x-inner': 'sent', 'x-tenant': 'sent' });
  });

  it('do not reach a subgraph whose answers are independent of callers', async () => {
    const to = await start({
      subgraphs: { reviews: { identity: 'independent' } },
      calls: { sharedHeaders: ['x-page'] },
    });
    await to.post({ query: '{ shelf { upc } latest }' }, { headers: { 'x-page': 'sent' } });
    expect(products.requests[0]!.headers).toHaveProperty('x-page', 'sent');
    expect(reviews.requests[0]!.headers).not.toHaveProperty('x-page');
  });

  it.each(['authorization', 'cookie', 'x-api-key', 'accept-language', 'traceparent', 'x-request-id'])(
    'cannot be %s',
    async (name) => {
      await expect(start({ calls: { sharedHeaders: [name] } })).rejects.toThrow('calls.sharedHeaders.0');
    },
  );
});

/** Holds the answers of products, in so many calls, until all clients wait for them: what follows comes at once. */
async function askAtOnce(
  to: TestGateway,
  requests: readonly { readonly query: string; readonly upc: string; readonly authorization?: string }[],
  calls: number,
): Promise<Json[]> {
  const held: (() => void)[] = [];
  products.answer = (_, response) => {
    const { upc } = products.requests.at(-1)!.body.variables;
    const product = { __typename: 'Product', upc, name: `product ${upc}` };
    held.push(() => response.end(JSON.stringify({ data: { product } })));
  };
  const answers = requests.map(async ({ query, upc, authorization }) => {
    const headers = authorization === undefined ? {} : { authorization };
    return (await to.post({ query, variables: { upc } }, { headers })).json();
  });
  while ((await to.inFlight()) !== requests.length || products.requests.length < calls) await wait(5);
  products.answer = undefined;
  for (const answer of held) answer();
  return Promise.all(answers);
}

const askForPages = (
  to: TestGateway,
  upcs: readonly string[],
  calls: number,
  authorizationOf: (i: number) => string | undefined = () => undefined,
): Promise<Json[]> =>
  askAtOnce(
    to,
    upcs.map((upc, i) => {
      const authorization = authorizationOf(i);
      return { query: page, upc, ...(authorization !== undefined && { authorization }) };
    }),
    calls,
  );

const upcs = ['1', '2', '3', '13', '5', '1', '2', '3', '13', '5'];
const pageOf = (upc: string) => ({ name: `product ${upc}`, rating: Number(upc), review: `review of ${upc}` });

function expectPages(answers: readonly Json[]): void {
  answers.forEach((answer, i) => {
    const upc = upcs[i]!;
    if (upc === '13') {
      expect(answer.data.product).toEqual({ ...pageOf('13'), review: null });
      expect(answer.errors).toMatchObject([{ message: 'No luck.', path: ['product', 'review'] }]);
    } else expect(answer).toEqual({ data: { product: pageOf(upc) } });
  });
}

it('lets clients who ask at the same time share calls, and gives each its own answer and errors', async () => {
  expectPages(await askForPages(await start(), upcs, 5));
  expect(products.requests).toHaveLength(5);
  // They come to the event loop in one turn, or nearly so.
  expect(reviews.requests.length).toBeLessThanOrEqual(3);
  expect(await gateway!.metrics()).toMatch(
    /weir_subgraph_fetches_total\{subgraph="products",result="deduplicated"\} [5-9]/,
  );
  expect(await gateway!.metrics()).toMatch(
    /weir_subgraph_calls_total\{subgraph="products",graphql_operation_name="Page"\} 5/,
  );
});

it('counts each fetch of a batch of operations once, for its own operation', async () => {
  const to = await start({ limits: { batch: 2 }, calls: { dedupe: false, batch: false } });
  await to.post([{ query: 'query Best { best }' }, { query: 'query Shelf { shelf { upc rating } }' }]);
  const metrics = await gateway!.metrics();
  expect(metrics.match(/weir_subgraph_calls_total\{.*/g)).toEqual([
    'weir_subgraph_calls_total{subgraph="reviews",graphql_operation_name="Best"} 1',
    'weir_subgraph_calls_total{subgraph="products",graphql_operation_name="Shelf"} 1',
    'weir_subgraph_calls_total{subgraph="reviews",graphql_operation_name="Shelf"} 1',
  ]);
  expect(metrics).toMatch(/weir_subgraph_fetches_total\{subgraph="reviews",result="sent"\} 2/);
});

it('shares nothing between clients whose forwarded headers differ', async () => {
  await askForPages(await start(), ['1', '1'], 2, (i) => ['Ada', 'Alan'][i]);
  for (const { requests } of [products, reviews])
    expect(requests.map(({ headers }) => headers.authorization).sort()).toEqual(['Ada', 'Alan']);
});

it('shares calls of a subgraph that depends on nobody’s identity, which gets no headers of clients', async () => {
  await start({
    subgraphs: { reviews: { identity: 'independent' }, products: { identity: 'independent' } },
    headers: { forward: ['authorization'], set: { 'x-from': 'weir' } },
  });
  expectPages(await askForPages(gateway!, upcs, 5, (i) => `user ${i}`));
  expect(products.requests).toHaveLength(5);
  expect(reviews.requests.length).toBeLessThanOrEqual(3);
  for (const { headers } of [...products.requests, ...reviews.requests]) {
    expect(headers.authorization).toBeUndefined();
    expect(headers['x-from']).toBe('weir');
    expect(headers['x-request-id']).toBeDefined();
  }
});

it('shares nothing when it is told not to', async () => {
  await start({ calls: { dedupe: false, batch: false } });
  await askForPages(gateway!, ['1', '1', '1'], 3);
  expect([products.requests.length, reviews.requests.length]).toEqual([3, 3]);
});

it('sends what a client wants at once as one array to a subgraph that takes this', async () => {
  await start({ subgraphs: { reviews: { arrayBatching: true } } });
  const aliases = ['a', 'b', 'c', 'd', 'e', 'f'];
  const requests = aliases.map((alias) => ({
    query: `query ($upc: ID!) { product(upc: $upc) { ${alias}: rating } }`,
    upc: '4',
  }));
  // So that they are planned.
  for (const { query, upc } of requests) await gateway!.query(query, { upc });
  products.requests.length = reviews.requests.length = 0;
  const answers = await askAtOnce(gateway!, requests, 1);
  expect(answers).toEqual(aliases.map((alias) => ({ data: { product: { [alias]: 4 } } })));
  const arrays = reviews.requests.map(({ body }) => [body].flat().length);
  expect(arrays.length).toBeLessThanOrEqual(3);
  expect(arrays.reduce((sum, length) => sum + length)).toBe(6);
});

describe('in development', () => {
  it('tells each client what became of the calls of its operation', async () => {
    await start({ mode: 'development' });
    const answers = await askForPages(gateway!, ['1', '2', '1', '2'], 2);
    const calls = answers.map(({ extensions }) => extensions.weir.calls);
    const sum = (name: string): number =>
      calls.reduce((total: number, each) => total + Number(each[name]), 0);
    expect(sum('sent')).toBe(products.requests.length + reviews.requests.length);
    expect(sum('sent') + sum('deduplicated') + sum('batched') + sum('merged')).toBe(8);
  });
});

it('says nothing of it in production', async () => {
  expect(await (await start()).query('{ shelf { rating } }')).toEqual({
    data: { shelf: [{ rating: 1 }, { rating: 2 }] },
  });
});
