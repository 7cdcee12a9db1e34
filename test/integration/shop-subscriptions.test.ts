/** The subscriptions of the reference graph, through a gateway, each from its subgraph by another protocol. */
import { developmentCredentials } from '../../cli/dev/credentials';
import { tableOperations } from '../../kit/table/definition';
import { usersTable } from '../../subgraphs/accounts/table';
import { StockChanged } from '../../subgraphs/inventory/events';
import { stockTable } from '../../subgraphs/inventory/table';
import { type TableDefinition } from '../../kit';
import { type NewEvent } from '../../kit/events/event';
import { OrderPlaced, OrderStatusChanged } from '../../subgraphs/orders/events';
import { ordersTable } from '../../subgraphs/orders/table';
import { productsTable } from '../../subgraphs/products/table';
import { parse } from 'yaml';
import { examplesOf } from '../support/documentation';
import { eventually } from '../support/process';
import {
  type Json,
  sampleSum,
  sourceOf,
  startTestGateway,
  type TestGateway,
} from '../support/running-gateway';
import { startShop, type Shop, type SubgraphName } from '../support/shop';
import { firstOf, overEventStream, type Result, type Subscriber } from '../support/subscription-clients';

let shop: Shop;
let gateway: TestGateway;
/** What has been started, the newest last. */
const started: { stop(): Promise<unknown> }[] = [];
const linkKey = 'a-key-of-the-link-in-this-test-alone';
beforeAll(async () => {
  shop = await startShop({ linkKey, seed: false });
  started.push(shop);
  await write('accounts', usersTable, ({ id }) => id === 'u1');
  await write('products', productsTable, ({ upc }) => ['p1', 'p2', 'p3'].includes(upc));
  await write('inventory', stockTable, ({ upc }) => upc === 'p3');
  await write('orders', ordersTable, ({ id }) => id === shipped);
  const { auth } = await developmentCredentials();
  gateway = await startTestGateway({
    supergraph: sourceOf(shop.supergraphSdl),
    auth,
    privateLinks: { keys: [linkKey] },
    subgraphs: {
      inventory: { subscriptions: { protocol: 'sse' } },
      orders: { subscriptions: { protocol: 'callback' } },
      shipping: { appsync: { auth: { type: 'API_KEY', apiKey: shop.apiKey } } },
    },
  });
  started.push(gateway);
});
afterAll(async () => {
  for (const each of started.reverse()) await each.stop();
});

/** An order of `u1`. */
const shipped = 'o240';

/** Writes the items of a seed that these tests need: all of them would take seconds. */
async function write<Item extends object>(
  name: SubgraphName,
  table: TableDefinition<Item, string & keyof Item, string>,
  isNeeded: (item: Item) => boolean,
): Promise<void> {
  // The subgraph itself does not put what it only reads.
  const items = shop.subgraphs[name].db.table({ ...table, operations: tableOperations });
  for (const item of table.seed!()) if (isNeeded(item)) await items.put(item);
}

const open: Subscriber[] = [];
afterEach(() => {
  for (const { close } of open.splice(0)) close();
});
function subscribe(query: string, as?: string): Subscriber {
  const headers = as === undefined ? {} : { authorization: `Bearer ${as}` };
  const subscriber = overEventStream(gateway.url, { query }, { headers });
  open.push(subscriber);
  return subscriber;
}

/** Sends a mutation through the gateway. */
async function mutate(query: string, as: string): Promise<Result> {
  return (await gateway.post({ query }, { headers: { authorization: `Bearer ${as}` } })).json();
}

const writeReview = (key: number, upc = 'p1') =>
  shop.send('reviews', {
    query:
      'mutation ($input: WriteReviewInput!, $key: String!) { writeReview(input: $input, idempotencyKey: $key) { id } }',
    variables: { input: { upc, rating: 4, body: 'Good.' }, key: `key-${key}` },
    as: 'u1',
  });

it('reviewAdded brings a review with what other subgraphs know of it', async () => {
  const ofProduct = subscribe(
    'subscription { reviewAdded(upc: "p1") { rating body author { name } product { name } } }',
  );
  const { data } = await firstOf(ofProduct, (attempt) => writeReview(attempt));
  expect(data).toEqual({
    reviewAdded: {
      rating: 4,
      body: 'Good.',
      author: { name: expect.any(String) },
      product: { name: expect.any(String) },
    },
  });
});

it('reviewAdded without a product brings all reviews', async () => {
  const all = subscribe('subscription { reviewAdded { product { upc } } }');
  const { data } = await firstOf(all, (attempt) => writeReview(100 + attempt, 'p2'));
  expect(data).toEqual({ reviewAdded: { product: { upc: 'p2' } } });
});

it('stockChanged brings a product whose stock was set aside', async () => {
  const subscriber = subscribe('subscription { stockChanged(upcs: ["p5", "p3"]) { upc name availability } }');
  const { data } = await firstOf(subscriber, (attempt) =>
    shop.send('inventory', {
      query:
        'mutation ($id: ID!, $lines: [StockLineInput!]!) { reserveStock(orderId: $id, lines: $lines) { held } }',
      variables: { id: `order-${attempt}`, lines: [{ upc: 'p3', quantity: 1 }] },
    }),
  );
  expect(data).toEqual({
    stockChanged: { upc: 'p3', name: expect.any(String), availability: expect.any(String) },
  });
});

it('stockChanged is refused for too many products', async () => {
  const upcs = JSON.stringify(Array.from({ length: 101 }, (_, i) => `p${i}`));
  const { errors } = await subscribe(`subscription { stockChanged(upcs: ${upcs}) { upc } }`).next();
  expect(errors[0]).toMatchObject({
    message: '`upcs` must be 1 to 100, but got: 101',
    extensions: { code: 'BAD_USER_INPUT' },
  });
});

it('shipmentMoved brings what a carrier says of the parcel of an order, and of no other', async () => {
  const subscriber = subscribe(
    `subscription { shipmentMoved(orderId: "${shipped}") { place trackingNumber carrier { name } } }`,
    'support',
  );
  const move = (orderId: string, headers: Record<string, string>) =>
    fetch(shop.shippingUrl, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        query: `mutation { moveShipment(orderId: "${orderId}", carrier: "POSTNL", place: "Utrecht") { orderId place trackingNumber carrier { name } } }`,
      }),
    });
  const { data } = await firstOf(subscriber, async () => {
    await move('o1', { authorization: shop.carrierToken });
    await move(shipped, { authorization: shop.carrierToken });
  });
  expect(data).toEqual({
    shipmentMoved: { place: 'Utrecht', trackingNumber: `POSTNL-${shipped}`, carrier: { name: 'PostNL' } },
  });
  expect(await (await move(shipped, { 'x-api-key': shop.apiKey })).text()).toContain('Not Authorized');
});

describe('orderChanged', () => {
  /** Ships and delivers an order that was not delivered yet. */
  const advance = (id: string, from: string, as = 'support') =>
    mutate(`mutation { advanceOrder(id: "${id}", from: ${from}) { status } }`, as);
  const buyer = 'u1';

  it('brings an order to its buyer when support staff moves it on', async () => {
    const subscriber = subscribe(`subscription { orderChanged(id: "${shipped}") { id status } }`, buyer);
    const { data } = await firstOf(subscriber, () => advance(shipped, 'SHIPPED'));
    expect(data).toEqual({ orderChanged: { id: shipped, status: 'DELIVERED' } });
    expect((await advance(shipped, 'PLACED')).errors).toMatchObject([{ extensions: { code: 'CONFLICT' } }]);
    expect((await advance('none', 'PLACED')).errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
  });

  it.each([
    ['of somebody else', 'u2'],
    ['for nobody', undefined],
  ])('is refused for an order %s', async (_, as) => {
    const result = await subscribe(`subscription { orderChanged(id: "${shipped}") { id } }`, as).next();
    expect(JSON.stringify(result)).toMatch(/NOT_FOUND|UNAUTHORIZED_FIELD_OR_TYPE/);
    expect(JSON.stringify(result)).not.toContain('status');
  });

  it('is not for customers to cause', async () => {
    expect((await advance(shipped, 'SHIPPED', 'u1')).data).toEqual({ advanceOrder: null });
    const query = `mutation { advanceOrder(id: "${shipped}", from: SHIPPED) { status } }`;
    const direct = await shop.send('orders', { query, as: 'u1' });
    expect(direct.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });
});

it.each([
  ['customers', 'u1'],
  ['strangers', undefined],
])('shipmentMoved is not for %s', async (_, as) => {
  const { data, errors } = await subscribe(
    'subscription { shipmentMoved(orderId: "o9") { place } }',
    as,
  ).next();
  expect(data?.shipmentMoved ?? null).toBeNull();
  expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' } }]);
});

it('moveShipment is not for clients of the graph, support staff included', async () => {
  const { errors } = await mutate(
    'mutation { moveShipment(orderId: "o9", carrier: "DPD", place: "Utrecht") { place } }',
    'support',
  );
  expect(errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
});

describe('the examples of docs/events.md', () => {
  /** The options of the examples that map events of the shop, for the same gateway. */
  function documented(): Json {
    const all: Json[] = examplesOf('docs/events.md')
      .filter(({ language, text }) => language === 'yaml' && text.startsWith('events:'))
      .map(({ text }) => parse(text).events);
    const first = all.find(({ types }) => types?.OrderPlaced?.versions !== undefined);
    const feeding = all.find(({ subscriptions }) => subscriptions !== undefined);
    return { sources: feeding.sources, types: first.types, subscriptions: feeding.subscriptions };
  }
  const stock = () => shop.subgraphs.inventory.db.table(stockTable);
  const orders = () => shop.subgraphs.orders.db.table(ordersTable);
  const sell = (available: number) =>
    stock().update({ upc: 'p3' }, { set: { available }, events: [StockChanged.create({ upc: 'p3' })] });
  const tell = (event: NewEvent) => orders().update({ id: shipped }, { events: [event] });
  let fed: TestGateway;
  beforeAll(async () => {
    const { auth } = await developmentCredentials();
    fed = await startTestGateway({
      ...{ supergraph: sourceOf(shop.supergraphSdl), auth, privateLinks: { keys: [linkKey] } },
      subgraphs: { inventory: { cache: { maxAge: '1h', scope: 'public' } } },
      events: documented(),
    });
    started.push(fed);
    await eventually(async () => sampleSum(await fed.metrics(), 'weir_events_sources_up') === 2);
  });

  it('keep a product fresh by the signed events of the shop, for queries and subscriptions', async () => {
    const inStock = async () => (await fed.query('{ product(upc: "p3") { inStock } }')).data.product.inStock;
    await sell(5);
    await eventually(inStock);
    const query = 'subscription { stockChanged(upcs: ["p3"]) { upc name inStock } }';
    const subscriber = overEventStream(fed.url, { query });
    open.push(subscriber);
    await eventually(async () => sampleSum(await fed.metrics(), 'weir_subscriptions_active') === 1);
    await sell(0);
    const { data } = await subscriber.next();
    expect(data.stockChanged).toEqual({ upc: 'p3', name: expect.any(String) as string, inStock: false });
    expect(await inStock()).toBe(false);
  });

  it('give an order to its buyer, and to nobody else', async () => {
    const active = async () => sampleSum(await fed.metrics(), 'weir_subscriptions_active');
    await eventually(async () => (await active()) === 0);
    const [buyer, other] = ['u1', 'u2'].map((user) => {
      const query = `subscription { orderChanged(id: "${shipped}") { id status } }`;
      const headers = { authorization: `Bearer ${user}` };
      const subscriber = overEventStream(fed.url, { query }, { headers });
      open.push(subscriber);
      return subscriber;
    });
    await eventually(async () => (await active()) === 2);
    const lines = [{ upc: 'p3', quantity: 1 }];
    await tell(OrderStatusChanged.create({ buyerId: 'u1', status: 'SHIPPED' }));
    await tell(OrderPlaced.create({ buyerId: 'u2', lines, total: 1 }));
    await tell(OrderPlaced.create({ buyerId: 'u1', lines, total: 1 }));
    const order = { id: shipped, status: expect.any(String) as string };
    expect((await buyer!.next()).data.orderChanged).toEqual(order);
    expect((await buyer!.next()).data.orderChanged).toEqual(order);
    // `orders` shows it to its buyer alone.
    expect((await other!.next()).data.orderChanged).toBeNull();
    expect(sampleSum(await fed.metrics(), 'weir_subscriptions_executions_total')).toBe(4);
  });
});
