/** The sample shop through a gateway. Over 300 lines: each subgraph, each permission, and each tool of agents. */
import { join } from 'node:path';
import { Supergraph, type ObjectType } from '@apollo/federation-internals';
import Ajv2020 from 'ajv/dist/2020';
import { developmentCredentials } from '../../cli/dev/credentials';
import { readPage } from '../support/documentation';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver';
import { eventually } from '../support/process';
import { sourceOf, startTestGateway, type Json, type TestGateway } from '../support/running-gateway';
import { startShop, type Shop } from '../support/shop';
import { countCosts } from '../support/shop-costs';
import { pathsOf } from '../support/span-paths';
import { modernMessage, type ToolMessage } from '../support/tool-files';

const linkKey = 'a-key-of-the-link-in-this-test-alone';
const resource = 'http://localhost:4000/mcp';
let shop: Shop;
let gateway: TestGateway;
let collector: OtlpReceiver;

beforeAll(async () => {
  process.env['OTEL_BSP_SCHEDULE_DELAY'] = '50';
  collector = await startOtlpReceiver();
  shop = await startShop({ linkKey, collector: collector.url });
  const { auth } = await developmentCredentials();
  gateway = await startTestGateway({
    supergraph: sourceOf(shop.supergraphSdl),
    auth,
    mcp: { resource, operations: [join(__dirname, '../../agents/*.graphql')] },
    privateLinks: { keys: [linkKey] },
    telemetry: { resource: { 'service.name': 'gateway' }, traces: { otlp: { url: collector.url } } },
    subgraphs: { shipping: { appsync: { auth: { type: 'API_KEY', apiKey: shop.apiKey } } } },
  });
});

afterAll(async () => {
  await gateway.stop();
  await shop.stop();
  await collector.close();
  delete process.env['OTEL_BSP_SCHEDULE_DELAY'];
});

describe('through the gateway', () => {
  it('a question that spans accounts, reviews, products and inventory is answered', async () => {
    const { data, errors } = await gateway.query(
      '{ user(id:"u1") { name reviews(first: 3) { edges { node { rating body product { name price inStock shippingEstimate } } } } } }',
    );
    expect(errors).toBeUndefined();
    expect(data.user.reviews.edges).toHaveLength(3);
    for (const { node } of data.user.reviews.edges) {
      expect(node).toEqual({
        rating: expect.any(Number),
        body: expect.any(String),
        product: {
          name: expect.any(String),
          price: expect.any(Number),
          inStock: expect.any(Boolean),
          shippingEstimate: expect.any(Number),
        },
      });
    }
  });

  it('a product that is known by its SKU only is found', async () => {
    const data = await ask(
      '{ viewer { membership { tier reward { upc name shippingEstimate ratingSummary { count } } } } }',
      { as: 'u1' },
    );
    expect(data.viewer.membership).toMatchObject({
      tier: 'SILVER',
      reward: { upc: 'p25', shippingEstimate: 0 },
    });
  });

  it('what inventory provides itself is not asked of products', async () => {
    const { calls } = await countCosts(shop, () =>
      ask('{ warehouses { city stock(first: 5) { edges { node { onHand product { upc sku } } } } } }'),
    );
    expect(calls).toEqual({ inventory: 1 });
  });

  it('whether a product is in stock is asked of inventory, which has taken the field over', async () => {
    const { calls } = await countCosts(shop, () => ask('{ product(upc: "p1") { inStock } }'));
    expect(calls).toEqual({ products: 1, inventory: 1 });
  });

  it('all kinds of media have reviews, and reviews show which kind of medium they are about', async () => {
    const { product } = await ask(`{
      product(upc: "p1") {
        media { __typename id reviews(first: 1) { edges { node { about { __typename id ... on Image { width } } } } } }
      }
    }`);
    const [medium] = product.media;
    expect(medium.reviews.edges[0].node.about).toEqual({ __typename: 'Image', id: 'p1-m1', width: 1600 });
  });

  it('a search finds categories and products', async () => {
    const { search } = await ask(
      '{ search(prefix: "CA", first: 3) { __typename ... on Category { id } ... on Product { name } } }',
    );
    expect(search[0]).toEqual({ __typename: 'Category', id: 'camping' });
    expect(search.slice(1)).toEqual(
      Array(2).fill({ __typename: 'Product', name: expect.stringMatching(/^Ca/) }),
    );
  });

  it('an order shows what was paid, and what is set aside for each of its lines', async () => {
    const order =
      '{ id status payment { status } buyer { name } lines { quantity reserved product { name } } }';
    let { placeOrder: placed } = await ask(
      `mutation {
        placeOrder(idempotencyKey: "1", input: {
          lines: [{ upc: "p3", quantity: 1 }]
          deliveryAddress: { street: "Via Po 1", city: "Turin", postalCode: "10124", country: "IT" }
          paymentToken: "tok_ok"
        }) ${order}
      }`,
      { as: 'u2' },
    );
    // On a busy machine the mutation answers before the order is placed.
    await eventually(async () => {
      if (placed.status === 'PENDING')
        ({ order: placed } = await ask(`{ order(id: "${placed.id}") ${order} }`, { as: 'u2' }));
      return placed.status !== 'PENDING';
    });
    expect(placed).toEqual({
      id: expect.any(String),
      status: 'PLACED',
      payment: { status: 'TAKEN' },
      buyer: { name: expect.any(String) },
      lines: [{ quantity: 1, reserved: 1, product: { name: 'Compact Coffee Maker' } }],
    });
  });

  it('an order shows its parcel, which an AppSync API knows', async () => {
    const { viewer } = await ask(
      '{ viewer { orders { edges { node { id status shipment { trackingNumber days carrier { name } } } } } } carriers { code } }',
      { as: 'u1' },
    );
    const orders: Json[] = viewer.orders.edges.map(({ node }: Json) => node);
    expect(orders.length).toBeGreaterThan(1);
    for (const { id, status, shipment } of orders) {
      if (status === 'PLACED') expect(shipment).toBeNull();
      else
        expect(shipment).toEqual({
          trackingNumber: expect.stringMatching(new RegExp(`^(POSTNL|DPD)-${id}$`)),
          days: expect.any(Number),
          carrier: { name: expect.any(String) },
        });
    }
    expect(orders.some(({ shipment }) => shipment !== null)).toBe(true);
  });

  it('what services do among themselves, and keys that only join, are not in the graph', () => {
    const api = Supergraph.build(shop.supergraphSdl, { supportedFeatures: null }).apiSchema();
    expect(
      api.schemaDefinition
        .rootType('mutation')!
        .fields()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      'addToCart',
      'advanceOrder',
      'cancelOrder',
      'placeOrder',
      'removeFromCart',
      'updateProfile',
      'writeReview',
    ]);
    for (const hidden of ['Reservation', 'StockLineInput', 'CacheControlScope']) {
      expect(api.type(hidden)).toBeUndefined();
    }
    expect(
      (api.type('OrderLine') as ObjectType)
        .fields()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['product', 'quantity', 'reserved']);
  });
});

describe('what is personal', () => {
  const carts = '{ viewer { cart { itemCount } orders { edges { node { id } } } } }';

  it('is shown to its owner', async () => {
    const { viewer } = await ask(carts, { as: 'u1' });
    expect(viewer.cart.itemCount).toBeGreaterThan(0);
    expect(viewer.orders.edges.length).toBeGreaterThan(0);
  });

  it('is null, or an error of its field alone, for everybody else', async () => {
    const { data, errors } = await post(
      '{ user(id: "u1") { name email address { city } membership { tier } cart { itemCount } } order(id: "o1") { id } }',
      { as: 'u2' },
    );
    expect(data).toEqual({
      user: { name: 'Bram Hofmann', email: null, address: null, membership: null, cart: null },
      order: null,
    });
    expect(errors).toMatchObject([{ path: ['user', 'cart'], extensions: { code: 'FORBIDDEN' } }]);
  });

  it('is nothing for who is not signed in, and nobody is asked for it', async () => {
    const query = `{
      viewer { name } cart { itemCount } order(id: "o1") { id }
      user(id: "u1") { name email membership { tier } orders { edges { node { id } } } }
    }`;
    const { answer, calls } = await asking(query);
    expect(answer.data).toEqual({
      viewer: null,
      cart: null,
      order: null,
      user: { name: 'Bram Hofmann', email: null, membership: null, orders: null },
    });
    expect(refusedIn(answer)).toEqual(['cart', 'order', 'user.email', 'user.membership', 'user.orders']);
    expect(calls).toEqual({ accounts: 1 });
  });

  it('is not changed by who is not signed in: no command is sent', async () => {
    const { answer, calls } = await asking(
      `mutation {
        addToCart(input: { upc: "p1" }, idempotencyKey: "nobody") { itemCount }
        writeReview(input: { upc: "p1", rating: 1, body: "Bad." }, idempotencyKey: "nobody") { id }
        updateProfile(input: { name: "Nobody" }) { id }
      }`,
    );
    expect(answer.data).toEqual({ addToCart: null, writeReview: null, updateProfile: null });
    expect(refusedIn(answer)).toEqual(['addToCart', 'updateProfile', 'writeReview']);
    expect(calls).toEqual({});
  });

  it('is shown to support staff, as far as they need it', async () => {
    const query = `{
      customerOrder(id: "o1") { id buyer { id email address { city } membership { tier } } lines { reserved product { name } } }
    }`;
    const data = await ask(query, { as: 'support' });
    expect(data.customerOrder).toMatchObject({
      id: 'o1',
      buyer: { email: expect.stringContaining('@'), address: { city: expect.any(String) }, membership: null },
    });
    expect(data.customerOrder.lines[0].product.name).toEqual(expect.any(String));

    const { answer, calls } = await asking(query, { as: data.customerOrder.buyer.id });
    expect(answer.data).toEqual({ customerOrder: null });
    expect(refusedIn(answer)).toEqual(['customerOrder']);
    expect(calls).toEqual({});
  });

  it('is refused by the subgraph, too, which knows whose it is', async () => {
    const query = '{ customerOrder(id: "o1") { id } }';
    const { data, errors } = await shop.send('orders', { query, as: 'u1' });
    expect(data).toEqual({ customerOrder: null });
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });
});

describe('pages', () => {
  const page = 'edges { cursor node { id } } pageInfo { hasNextPage endCursor }';

  it('of reviews go on where the last one ended, and miss nothing when one is written in between', async () => {
    const reviews = (args: string) => ask(`{ product(upc: "p2") { reviews(${args}) { ${page} } } }`);
    const all = idsOf((await reviews('first: 100')).product.reviews);

    const { product } = await reviews('first: 5');
    await ask(
      'mutation { writeReview(input: { upc: "p2", rating: 5, body: "New." }, idempotencyKey: "page") { id } }',
      { as: 'u3' },
    );
    const next = await reviews(`first: 100, after: "${product.reviews.pageInfo.endCursor}"`);

    expect([...idsOf(product.reviews), ...idsOf(next.product.reviews)]).toEqual(all);
  });

  it('of the catalogue hold every product once', async () => {
    const upcs: string[] = [];
    let after: string | null = null;
    do {
      const { products }: Json = await ask(
        `{ products(first: 100, after: ${JSON.stringify(after)}) { edges { node { upc } } pageInfo { hasNextPage endCursor } } }`,
      );
      upcs.push(...products.edges.map(({ node }: Json) => node.upc));
      after = products.pageInfo.hasNextPage ? products.pageInfo.endCursor : null;
    } while (after !== null);
    expect(new Set(upcs).size).toBe(300);
    expect(upcs).toHaveLength(300);
  });
});

describe('answers say how long they may be kept', () => {
  it.each([
    ['products', '{ products(first: 2) { edges { node { name media { url } } } } }', 'max-age=300, public'],
    ['products', '{ product(upc: "p1") { name category { name } } }', 'max-age=300, public'],
    ['accounts', '{ user(id: "u1") { name } }', 'max-age=60, public'],
    ['accounts', '{ user(id: "u1") { name email } }', 'max-age=60, private'],
    ['accounts', '{ viewer { name membership { reward { sku } } } }', 'max-age=60, private'],
    ['inventory', entity('Product', { upc: 'p1' }, 'inStock'), 'max-age=10, public'],
    ['reviews', entity('Product', { upc: 'p1' }, 'ratingSummary { average }'), 'max-age=60, public'],
    ['reviews', entity('User', { id: 'u1' }, 'reviews { edges { node { body } } }'), 'max-age=60, public'],
    [
      'orders',
      entity('User', { id: 'u1' }, 'orders { edges { node { lines { quantity } } } }'),
      'max-age=10, private',
    ],
    ['orders', '{ cart { itemCount } }', 'no-store'],
  ] as const)('%s: %s', async (subgraph, query, policy) => {
    const { headers, errors } = await shop.send(subgraph, { query, as: 'u1' });
    expect(errors).toBeUndefined();
    expect(headers.get('cache-control')).toBe(policy);
  });
});

describe('the tools of agents', () => {
  const forEverybody = ['BrowseCategory', 'ProductDetails', 'ProductReviews', 'SearchCatalogue'];
  const all = [...forEverybody, 'CustomerOrder', 'MyCart'].sort();

  async function send(message: ToolMessage, as?: string) {
    const { headers, body } = modernMessage(message);
    const response = await fetch(gateway.url.replace('/graphql', '/mcp'), {
      method: 'POST',
      headers: { ...headers, ...(as !== undefined && { authorization: `Bearer ${as}` }) },
      body,
    });
    const { status } = response;
    const answer = (await response.json()) as Json;
    return { status, challenge: response.headers.get('www-authenticate'), result: answer.result };
  }
  const list = async (as?: string): Promise<Json[]> =>
    (await send({ method: 'tools/list' }, as)).result.tools;
  const call = (name: string, given: object, as?: string) =>
    send({ method: 'tools/call', params: { name, arguments: given } }, as);

  it('are listed by name, and those that need a login to signed-in callers only', async () => {
    for (const as of ['u1', 'support', 'u1']) expect((await list(as)).map(({ name }) => name)).toEqual(all);
    expect((await list()).map(({ name }) => name)).toEqual(forEverybody);
  });

  it.each<[name: string, given: object, as: string | undefined, data: object]>([
    [
      'BrowseCategory',
      { id: 'camping', first: 2 },
      undefined,
      { category: { children: [], products: { edges: [{}, {}], pageInfo: { hasNextPage: true } } } },
    ],
    ['CustomerOrder', { id: 'o1' }, 'support', { customerOrder: { id: 'o1', refusal: null } }],
    ['MyCart', {}, 'u1', { cart: { itemCount: expect.any(Number) } }],
    ['ProductDetails', { upc: 'p1' }, undefined, { product: { upc: 'p1', price: expect.any(Number) } }],
    ['ProductReviews', { upc: 'p1', first: 2 }, undefined, { product: { reviews: { edges: [{}, {}] } } }],
    [
      'SearchCatalogue',
      { prefix: 'CA', first: 2 },
      undefined,
      { search: [{ __typename: 'Category' }, { __typename: 'Product' }] },
    ],
  ])('%s answers as its output schema has it', async (name, given, as, data) => {
    const { inputSchema, outputSchema } = (await list(as)).find((tool) => tool.name === name);
    const { status, result } = await call(name, given, as);
    expect([status, result.isError, result.structuredContent.errors]).toEqual([200, undefined, undefined]);
    expect(result.structuredContent.data).toMatchObject(data);
    const ajv = new Ajv2020({ strict: false });
    for (const [schema, value] of [
      [inputSchema, given],
      [outputSchema, result.structuredContent],
    ])
      expect([ajv.validate(schema, value), ajv.errors]).toEqual([true, null]);
    // The schema is not one that everything is valid for.
    expect(ajv.validate(outputSchema, { data: { other: 1 } })).toBe(false);
  });

  it('that need a login, or a scope, are refused to who has none', async () => {
    const metadata = 'resource_metadata="http://localhost:4000/.well-known/oauth-protected-resource/mcp"';
    const order = { id: 'o1' };
    expect(await call('MyCart', {})).toMatchObject({ status: 401, challenge: `Bearer ${metadata}` });
    expect(await call('CustomerOrder', order)).toMatchObject({
      status: 401,
      challenge: `Bearer scope="support", ${metadata}`,
    });
    expect(await call('CustomerOrder', order, 'u1')).toMatchObject({
      status: 403,
      challenge: `Bearer error="insufficient_scope", scope="support", ${metadata}`,
    });
  });
});

describe('traces', () => {
  const server = 2;
  const execution = 'gateway server POST /graphql > gateway internal graphql.execute';
  const served = (name: string) =>
    `${execution} > gateway internal fetch ${name} > gateway client POST /graphql > ${name} server POST /graphql`;

  /** The trace of a request with this operation name, as soon as all is there that is waited for. */
  async function traceOf(
    operation: string,
    isWhole: (spans: readonly ReceivedSpan[]) => boolean,
  ): Promise<readonly ReceivedSpan[]> {
    const find = () => {
      const root = collector.spans.find(
        ({ service, attributes }) =>
          service === 'gateway' && attributes['graphql.operation.name'] === operation,
      );
      return root ? collector.traceOf(root.traceId) : [];
    };
    await eventually(() => isWhole(find()));
    return find();
  }
  const order = (operation: string, { token, key = operation }: { token: string; key?: string }) =>
    post(
      `mutation ${operation} { placeOrder(input: { lines: [{ upc: "p9", quantity: 1 }], deliveryAddress: { street: "planted-street", city: "C", postalCode: "1", country: "NL" }, paymentToken: "${token}" }, idempotencyKey: "${key}") { id status } }`,
      { as: 'u1' },
    );
  const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);

  it('lead from a query through gateway, plan and services to the commands of their tables', async () => {
    await ask(
      'query Traced { user(id: "u7") { name reviews(first: 3) { edges { node { rating product { name inStock } } } } } }',
    );
    const services = ['accounts', 'gateway', 'inventory', 'products', 'reviews'];
    const spans = await traceOf('Traced', (all) =>
      services.every((name) => all.some(({ service, kind }) => service === name && kind === server)),
    );
    expect(named(spans, 'graphql.plan')).toHaveLength(1);
    expect(pathsOf(spans).filter((path) => path.includes(' > gateway client '))).toEqual([
      `${served('accounts')} > accounts client BatchGetItem users`,
      `${served('inventory')} > inventory client BatchGetItem stock`,
      `${served('products')} > products client BatchGetItem products`,
      `${served('reviews')} > reviews client Query reviews`,
    ]);
    const [batch] = named(spans, 'BatchGetItem products');
    expect(batch!.attributes).toMatchObject({
      'db.system.name': 'aws.dynamodb',
      'db.operation.batch.size': 3,
      'aws.dynamodb.consumed_capacity': [expect.stringContaining('CapacityUnits')],
    });
  });

  it('lead from an order through its workflow, services and relays to those who hear of it', async () => {
    const { data } = await order('Ordered', { token: 'tok_ok' });
    expect(data.placeOrder.id).toBeDefined();
    const spans = await traceOf(
      'Ordered',
      (all) =>
        named(all, 'process orders').length === 2 &&
        ['orders', 'inventory', 'payments'].every((source) => named(all, `send ${source}`).length === 1) &&
        ['ClearCart', 'ShipOrder'].every((state) => named(all, `place-order ${state}`).length === 1) &&
        named(all, 'place-order').length === 1 &&
        all.some((span) => span.service === 'shipping') &&
        named(all, 'graphql.execute').length === 1,
    );
    const state = (name: string) => `${served('orders')} > orders consumer place-order ${name}`;
    const service = (name: string) => `orders client POST /graphql > ${name} server POST /graphql`;
    const sent = (name: string) =>
      ['PutItem', 'UpdateItem'].map(
        (command) => `${name} client send ${name} > ${name} client ${command} ${name}-events`,
      );
    const heard = [
      'GetItem order-history',
      'PutItem order-history',
      'PutItem popularity',
      'Query popularity',
    ];
    const paths = pathsOf(spans);
    expect(paths.filter((path) => path.includes(' > gateway client '))).toEqual(
      [
        ...['GetItem orders', 'PutItem orders-workflows'].map(
          (each) => `${served('orders')} > orders client ${each}`,
        ),
        `${served('orders')} > orders consumer place-order`,
        `${state('RecordOrder')} > orders client PutItem orders`,
        `${state('PriceOrder')} > ${service('products')} > products client BatchGetItem products`,
        ...[
          ...['GetItem stock', 'PutItem reservations', 'UpdateItem reservations', 'UpdateItem stock'].map(
            (each) => `inventory client ${each}`,
          ),
          ...sent('inventory'),
        ].map((each) => `${state('ReserveStock')} > ${service('inventory')} > ${each}`),
        ...[
          ...['PutItem fake-provider-charges', 'PutItem payments', 'UpdateItem payments'].map(
            (each) => `payments client ${each}`,
          ),
          ...sent('payments'),
        ].map((each) => `${state('TakePayment')} > ${service('payments')} > ${each}`),
        ...[
          ...['GetItem orders', 'UpdateItem orders'].map((each) => `orders client ${each}`),
          ...sent('orders'),
          ...heard.map((each) => `history consumer process orders > history client ${each}-1`),
        ].map((each) => `${state('ConfirmOrder')} > ${each}`),
        ...['GetItem carts', 'GetItem orders', 'PutItem carts'].map(
          (each) => `${state('ClearCart')} > orders client ${each}`,
        ),
        ...['orders client GetItem orders', service('shipping')].map(
          (each) => `${state('ShipOrder')} > ${each}`,
        ),
      ].sort(),
    );
    const consumers = named(spans, 'process orders').map(
      ({ attributes }) => attributes['messaging.consumer.group.name'],
    );
    expect(consumers.sort()).toEqual(['order-history@1', 'popularity@1']);
  });

  it('say which tasks undo an order, and have nothing of what was ordered, by whom and with which card', async () => {
    const { data, errors } = await order('Refused', { token: 'tok_planted', key: 'planted-key' });
    // A busy machine answers before the order is refused.
    const orderId: string = data?.placeOrder?.id ?? errors[0].extensions.orderId;
    const spans = await traceOf('Refused', (all) => named(all, 'place-order RefuseOrder').length === 1);
    const compensations = spans.filter(({ attributes }) => attributes['weir.workflow.compensation'] === true);
    expect(compensations.map(({ name }) => name)).toContain('place-order ReleaseStock');
    expect(named(spans, 'place-order TakePayment')[0]).toMatchObject({
      hasFailed: true,
      attributes: { 'error.type': 'PAYMENT_DECLINED' },
    });
    const bytes = Buffer.concat(collector.requests.map(({ body }) => body)).toString('latin1');
    for (const secret of ['planted', orderId, linkKey, shop.apiKey, shop.carrierToken, 'Bram Hofmann'])
      expect(bytes).not.toContain(secret);
  });

  it('have no attribute of Weir that the documentation does not name', () => {
    const page = readPage('docs/tracing.md');
    const names = collector.spans.flatMap(({ attributes }) => Object.keys(attributes));
    const unnamed = new Set(
      names.filter((name) => name.startsWith('weir.') && !page.includes(`\`${name}\``)),
    );
    expect([...unnamed]).toEqual([]);
  });
});

function entity(type: string, key: Record<string, string>, selection: string): string {
  const fields = Object.entries(key).map(([name, value]) => `${name}: "${value}"`);
  return `{ _entities(representations: [{ __typename: "${type}", ${fields.join(', ')} }]) { ... on ${type} { ${selection} } } }`;
}

function idsOf(connection: Json): string[] {
  return connection.edges.map(({ node }: Json) => node.id);
}

async function post(query: string, { as }: { as?: string } = {}): Promise<Json> {
  const headers = as === undefined ? {} : { authorization: `Bearer ${as}` };
  return (await gateway.post({ query }, { headers })).json();
}

/** An answer, and what it cost. */
async function asking(query: string, options?: { as?: string }) {
  let answer: Json;
  const { calls } = await countCosts(shop, async () => void (answer = await post(query, options)));
  return { answer, calls };
}

/** The paths of what was refused, which are all the errors there are. */
function refusedIn({ errors }: Json): string[] {
  expect(new Set(errors.map(({ extensions }: Json) => extensions.code))).toEqual(
    new Set(['UNAUTHORIZED_FIELD_OR_TYPE']),
  );
  return errors.map(({ path }: Json) => path.join('.')).sort();
}

/** The data of an answer that has no errors. */
async function ask(query: string, options?: { as?: string }): Promise<Json> {
  const { data, errors } = await post(query, options);
  expect(errors).toBeUndefined();
  return data;
}
