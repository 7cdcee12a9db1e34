/**
 * Subscriptions in a whole gateway, from the source of a subgraph's events to the client's sink. The subgraph's source and
 * the sink are the test's; the others are as clients meet them. Over 300 lines: each way in which a source, a client and a
 * gateway end.
 */
import type { GatewayOptions } from '../../gateway';
import { TransportError } from '../../gateway/subgraph-calls/contract/transport';
import { eventOf, type HeldUpstream, upstreams } from '../support/held-upstreams';
import { type InProcessClient, type InProcessOptions } from '../support/in-process-client';
import { type InProcessGateway, inProcessSubgraph, openInProcess } from '../support/in-process-gateway';
import type { Json } from '../support/running-gateway';

const products = inProcessSubgraph({
  name: 'products',
  typeDefs: `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@authenticated"])
    type Query { product: Product }
    type Subscription {
      repriced(upc: ID!): Product
      moved: Place
      found: Media
      secret: Product @authenticated
    }
    type Product @key(fields: "upc") { upc: ID!  price: Int  margin: Int @authenticated }
    interface Place { name: String }
    type Shelf implements Place { name: String  product: Product }
    type Shop implements Place { name: String  town: String }
    type Book { product: Product }
    union Media = Book | Product`,
  resolvers: { Query: { product: () => ({ upc: '1', price: 1 }) } },
});
/** Answers for entities; one of these fails. */
const reviews = inProcessSubgraph({
  name: 'reviews',
  typeDefs: `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { stars: Int }
    type Product @key(fields: "upc") { upc: ID!  stars: Int }`,
  resolvers: {
    Product: {
      stars: ({ upc }: Json) => {
        if (upc === 'unknown') throw new Error('It is not known.');
        return 4;
      },
    },
  },
});

const query = 'subscription ($upc: ID!) { repriced(upc: $upc) { price stars } }';
const gateways = new Map<string, InProcessGateway>();

/** A gateway with these options; one for all tests without hooks that have the same. */
async function open(options: Omit<GatewayOptions, 'supergraph' | 'interceptors'> = {}) {
  const key = options.hooks === undefined ? JSON.stringify(options) : String(gateways.size);
  let gateway = gateways.get(key);
  if (gateway === undefined) {
    gateway = await openInProcess([products, reviews], {
      transport: upstreams,
      errors: { maskSubgraphs: 'none' },
      ...options,
    });
    gateways.set(key, gateway);
  }
  const { log } = gateway;
  log.length = 0;
  const ask = (body: unknown = { query, variables: { upc: '1' } }, how?: InProcessOptions): InProcessClient =>
    gateway.ask(body, how);
  return { ask, log };
}

afterEach(() => {
  upstreams.reset();
});

afterAll(async () => {
  for (const gateway of gateways.values()) await gateway.stop();
});

const repriced = (upc: string, price: number): Json => ({
  repriced: { __typename: 'Product', upc, price },
});

const partOf = async (client: InProcessClient): Promise<Json> => {
  const part = await client.part();
  return part === undefined ? undefined : JSON.parse(part);
};
const errorOf = async (client: InProcessClient): Promise<Json> => JSON.parse(await client.text()).errors[0];

const untilOpened = async (): Promise<void> => {
  while (upstreams.opened.length === 0) await new Promise(setImmediate);
};

const accessLines = (log: readonly Json[]): Json[] => log.filter(({ msg }) => msg === 'request');

it('opens the source by one fetch, and answers each event with what is fetched for it', async () => {
  const { ask, log } = await open();
  const client = ask();
  const { status, headers } = await client.head;
  expect([status, headers.get('cache-control')]).toEqual([200, 'no-store, no-transform']);
  const [{ request }] = upstreams.opened as [HeldUpstream];
  const { operation, variables } = request;
  expect([operation.subgraph, operation.kind]).toEqual(['products', 'subscription']);
  expect(operation.document).toMatch(/^subscription\b.*\{repriced\(upc: \$upc\)\{__typename price upc\}\}$/);
  expect(variables.toString()).toBe('{"upc":"1"}');
  for (const price of [5, 6]) {
    upstreams.give(repriced('1', price));
    expect(await partOf(client)).toEqual({ data: { repriced: { price, stars: 4 } } });
  }
  expect(accessLines(log)).toEqual([]);
  upstreams.opened[0]!.events.end();
  expect(await partOf(client)).toBeUndefined();
  expect(accessLines(log).map(({ status, operationType }) => [status, operationType])).toEqual([
    [200, 'subscription'],
  ]);
});

it('sends a fragment with @defer at once', async () => {
  const { ask } = await open();
  const client = ask({ query: 'subscription { repriced(upc: "1") { price ... @defer { stars } } }' });
  await client.head;
  upstreams.give(repriced('1', 5));
  expect(await partOf(client)).toEqual({ data: { repriced: { price: 5, stars: 4 } } });
  client.leave();
});

it('answers the same operation again when it is known, by its variables', async () => {
  const { ask } = await open();
  for (const upc of ['1', '2']) {
    const client = ask({ query, variables: { upc } });
    await client.head;
    upstreams.give(repriced(upc, 5));
    expect(await partOf(client)).toEqual({ data: { repriced: { price: 5, stars: 4 } } });
    client.leave();
  }
  expect(upstreams.opened.map(({ request }) => request.variables.toString())).toEqual([
    '{"upc":"1"}',
    '{"upc":"2"}',
  ]);
});

it('answers events of an interface and of a union by their types', async () => {
  const { ask } = await open();
  const place = ask({
    query:
      'subscription { moved { __typename name ... on Shelf { product { stars } } ... on Shop { town } } }',
  });
  await place.head;
  const product = { __typename: 'Product', upc: '1' };
  upstreams.give({ moved: { __typename: 'Shelf', name: 'A', product } });
  upstreams.give({ moved: { __typename: 'Shop', name: 'B', town: 'C' } });
  expect([await partOf(place), await partOf(place)]).toEqual([
    { data: { moved: { __typename: 'Shelf', name: 'A', product: { stars: 4 } } } },
    { data: { moved: { __typename: 'Shop', name: 'B', town: 'C' } } },
  ]);
  place.leave();
  const media = ask({
    query: 'subscription { found { ... on Book { product { stars } } ... on Product { price stars } } }',
  });
  await media.head;
  upstreams.give({ found: { __typename: 'Book', product } });
  upstreams.give({ found: { ...product, price: 5 } });
  expect([await partOf(media), await partOf(media)]).toEqual([
    { data: { found: { product: { stars: 4 } } } },
    { data: { found: { price: 5, stars: 4 } } },
  ]);
  media.leave();
});

it('is open for longer than a request may take, which the fetches of each event have anew', async () => {
  const { ask } = await open({ timeouts: { request: '1500ms' } });
  const client = ask();
  await client.head;
  while (performance.now() < client.request.deadline) await new Promise((later) => setTimeout(later, 20));
  upstreams.give(repriced('1', 5));
  expect(await partOf(client)).toEqual({ data: { repriced: { price: 5, stars: 4 } } });
  client.leave();
});

it('tells what fails for one event with that event', async () => {
  const { ask } = await open();
  const client = ask();
  await client.head;
  upstreams.give(repriced('unknown', 5));
  upstreams.give(undefined, { body: Buffer.from('no JSON') });
  upstreams.give(repriced('1', 7));
  expect(await partOf(client)).toMatchObject({
    data: { repriced: { price: 5, stars: null } },
    errors: [{ message: 'It is not known.', path: ['repriced', 'stars'] }],
  });
  expect(await partOf(client)).toMatchObject({
    data: { repriced: null },
    errors: [{ extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE', service: 'products' } }],
  });
  expect(await partOf(client)).toEqual({ data: { repriced: { price: 7, stars: 4 } } });
  client.leave();
});

it('hides from clients, and logs, what subgraphs say of failures', async () => {
  const { ask, log } = await open({ errors: { maskSubgraphs: 'all' } });
  const client = ask();
  await client.head;
  upstreams.give(repriced('unknown', 5));
  const { errors } = await partOf(client);
  expect(errors[0].message).not.toContain('not known');
  expect(JSON.stringify(log)).toContain('It is not known.');
  client.leave();
});

it('shows each answer to hooks', async () => {
  const { ask } = await open({
    hooks: { onAnswer: (_request, answer) => ({ ...answer, extensions: { seen: true } }) },
  });
  const client = ask();
  await client.head;
  upstreams.give(repriced('1', 5));
  upstreams.give(repriced('1', 6));
  for (const price of [5, 6])
    expect(await partOf(client)).toMatchObject({ data: { repriced: { price } }, extensions: { seen: true } });
  client.leave();
});

it('tells in the last part why there are no more, where the source breaks', async () => {
  const { ask, log } = await open();
  const client = ask();
  await client.head;
  const { events } = upstreams.opened[0]!;
  events.give(eventOf(repriced('1', 5)), new TransportError('products', 'reset'));
  expect(await partOf(client)).toMatchObject({ data: { repriced: { price: 5 } } });
  expect(await partOf(client)).toEqual({
    errors: [
      {
        message: 'Subgraph "products" closed the connection before it had answered.',
        extensions: { code: 'SUBREQUEST_HTTP_ERROR', service: 'products' },
      },
    ],
  });
  expect(await partOf(client)).toBeUndefined();
  expect(events.isClosed).toBe(true);
  expect(accessLines(log).map(({ status }) => status)).toEqual([200]);
});

it('answers with an error alone where the source does not open', async () => {
  const { ask } = await open();
  upstreams.accept = () => Promise.reject(new TransportError('products', 'timeout'));
  const client = ask();
  expect((await client.head).status).toBe(504);
  expect(JSON.parse(await client.text())).toEqual({
    errors: [
      {
        message: 'Subgraph "products" did not answer in time.',
        extensions: { code: 'GATEWAY_TIMEOUT', service: 'products' },
      },
    ],
  });
});

it('closes the source when its client leaves while an event is awaited', async () => {
  const { ask } = await open();
  const client = ask();
  await client.head;
  upstreams.give(repriced('1', 5));
  await client.part();
  const next = client.part();
  const { events } = upstreams.opened[0]!;
  expect(events.isClosed).toBe(false);
  client.leave();
  expect(events.isClosed).toBe(true);
  expect(await next).toBeUndefined();
});

it('gives nothing more once its client has left, though an answer was being made', async () => {
  let seen!: () => void;
  const isSeen = new Promise<void>((resolve) => (seen = resolve));
  let goOn!: () => void;
  const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
  const { ask } = await open({
    hooks: {
      onAnswer: async (_request, answer) => {
        seen();
        await mayGoOn;
        return answer;
      },
    },
  });
  const client = ask();
  await client.head;
  upstreams.give(repriced('1', 5));
  const part = client.part();
  await isSeen;
  client.leave();
  goOn();
  expect(await part).toBeUndefined();
});

it.each([
  ['its client leaves', undefined, '10s'],
  ['its time is over', 504, '1500ms'],
] as const)('closes the source once it is open, where %s before', async (_, status, timeout) => {
  const { ask } = await open({ timeouts: { request: timeout } });
  let accept!: () => void;
  const accepted = new Promise<void>((resolve) => (accept = resolve));
  upstreams.accept = () => accepted;
  const client = ask();
  await untilOpened();
  if (status === undefined) client.leave();
  else expect((await client.head).status).toBe(status);
  accept();
  while (!upstreams.opened[0]!.events.isClosed) await new Promise(setImmediate);
});

describe('a client that does not take parts', () => {
  it('is told the protocols that it may use, and no source is opened', async () => {
    const { ask } = await open();
    for (const method of ['POST', 'GET']) {
      const url = `/graphql?query=${encodeURIComponent('subscription { moved { name } }')}`;
      const headers = { 'apollo-require-preflight': '1' };
      const client = ask({ query }, { takesParts: false, method, url, headers });
      expect((await client.head).status).toBe(406);
      expect(await errorOf(client)).toEqual({
        message:
          'The answer comes in parts: ask for it over WebSocket (graphql-transport-ws), or name text/event-stream or multipart/mixed in the Accept header.',
        extensions: { code: 'NOT_ACCEPTABLE' },
      });
    }
    expect(upstreams.opened).toEqual([]);
  });

  it('is refused within a batch; the others of the batch are answered', async () => {
    const { ask } = await open({ limits: { batch: 2 } });
    const client = ask([{ query, variables: { upc: '1' } }, { query: '{ product { price } }' }]);
    expect(JSON.parse(await client.text())).toEqual([
      {
        errors: [
          {
            message: 'An answer in parts within a batch is not supported.',
            extensions: { code: 'UNSUPPORTED_OPERATION' },
          },
        ],
      },
      { data: { product: { price: 1 } } },
    ]);
    expect(upstreams.opened).toEqual([]);
  });
});

it.each([1, 2])('is answered over GET, too, the %d. time', async (times) => {
  const { ask } = await open();
  for (let i = 0; i < times; i++) {
    const url = `/graphql?query=${encodeURIComponent('subscription { moved { name } }')}`;
    const client = ask(undefined, { method: 'GET', url, headers: { 'apollo-require-preflight': '1' } });
    expect((await client.head).status).toBe(200);
    upstreams.give({ moved: { __typename: 'Shop', name: 'B' } });
    expect(await partOf(client)).toEqual({ data: { moved: { name: 'B' } } });
    client.leave();
  }
});

it('refuses a GET from another site, as any GET', async () => {
  const { ask } = await open();
  const url = `/graphql?query=${encodeURIComponent('subscription { moved { name } }')}`;
  expect((await ask(undefined, { method: 'GET', url }).head).status).toBe(400);
});

it('answers a query in parts where its client takes nothing else', async () => {
  const { ask } = await open();
  const client = ask({ query: '{ product { price } }' }, { headers: { accept: 'multipart/mixed' } });
  expect((await client.head).status).toBe(200);
  expect(await partOf(client)).toEqual({ data: { product: { price: 1 } } });
  expect(await partOf(client)).toBeUndefined();
});

describe('is refused as a query is:', () => {
  it.each([
    ['two root fields', 'subscription { moved { name } found { __typename } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a root field of introspection', 'subscription { __typename }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'a condition on the root field',
      'subscription ($a: Boolean!) { moved @skip(if: $a) { name } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a condition on a fragment around it',
      'subscription ($a: Boolean!) { ...F @include(if: $a) } fragment F on Subscription { moved { name } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a condition within a fragment around it',
      'subscription { ...F } fragment F on Subscription { ... { moved @include(if: true) { name } } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
  ])('%s', async (_, text, code) => {
    const { ask } = await open();
    const client = ask({ query: text });
    expect((await client.head).status).toBe(400);
    expect((await errorOf(client)).extensions.code).toBe(code);
    expect(upstreams.opened).toEqual([]);
  });

  it('more than a client may ask for', async () => {
    const { ask } = await open({ limits: { cost: 1 } });
    const client = ask({ query: 'subscription { found { ... on Book { product { price } } } }' });
    expect((await errorOf(client)).extensions.code).toBe('MAX_COST_LIMIT');
    expect(upstreams.opened).toEqual([]);
  });

  it('a root field that the caller may not see', async () => {
    const { ask } = await open();
    const client = ask({ query: 'subscription { secret { price } }' });
    expect((await client.head).status).toBe(403);
    expect(await errorOf(client)).toMatchObject({
      message: 'The caller may not see Subscription.secret.',
      extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' },
    });
    expect(upstreams.opened).toEqual([]);
  });
});

it('takes conditions below the root field', async () => {
  const { ask } = await open();
  const conditional = `subscription ($upc: ID!, $a: Boolean!) {
    repriced(upc: $upc) { price @skip(if: $a) stars @include(if: $a) }
  }`;
  const client = ask({ query: conditional, variables: { upc: '1', a: true } });
  await client.head;
  upstreams.give(repriced('1', 5));
  expect(await partOf(client)).toEqual({ data: { repriced: { stars: 4 } } });
  client.leave();
});

it('leaves out of each event what the caller may not see', async () => {
  const { ask } = await open();
  const client = ask({ query: 'subscription { repriced(upc: "1") { price margin } }' });
  await client.head;
  expect(upstreams.opened[0]!.request.operation.document).not.toContain('margin');
  upstreams.give(repriced('1', 5));
  expect(await partOf(client)).toMatchObject({
    data: { repriced: { price: 5, margin: null } },
    errors: [{ path: ['repriced', 'margin'], extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' } }],
  });
  client.leave();
});

it('holds no slot while it is open', async () => {
  const { ask } = await open({ overload: { requests: 2 } });
  const clients = Array.from({ length: 5 }, () => ask());
  for (const client of clients) expect((await client.head).status).toBe(200);
  const query = ask({ query: '{ product { price } }' });
  expect(JSON.parse(await query.text())).toEqual({ data: { product: { price: 1 } } });
  for (const client of clients) client.leave();
});

it('shows in development how each event was answered', async () => {
  const { ask } = await open({ mode: 'development' });
  const client = ask();
  await client.head;
  for (let i = 0; i < 2; i++) {
    upstreams.give(repriced('1', i));
    const { extensions } = await partOf(client);
    expect(extensions.weir.calls).toMatchObject({ planned: 1, sent: 1 });
  }
  client.leave();
});
