/** The subscriptions of the sample shop as `npm start` runs it, each from its subgraph by another protocol. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { shipping } from '../../subgraphs/shipping';
import { childrenOf, type DevProcess, endAll, startDev } from '../support/process';
import {
  firstOf,
  overEventStream,
  overWebSocket,
  type Result,
  type Subscriber,
} from '../support/subscription-clients';

jest.setTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
/** An order of `u1` that is on its way. */
const shipped = 'o240';
const as = (user: string) => ({ authorization: `Bearer ${user}` });
const anyText = expect.any(String) as string;
const parcel = 'orderId place trackingUrl days carrier { code name }';
const order = `subscription { orderChanged(id: "${shipped}") {
  id status buyer { name } lines { product { name } } shipment { carrier { name } } } }`;

let weir: DevProcess;
const open: Subscriber[] = [];
let [reviews, orders, stock, shipments]: Subscriber[] = [];

beforeAll(async () => {
  const config = join(folder, 'weir.yaml');
  // A busy machine plans slowly.
  writeFileSync(config, 'planning: { timeout: 30s }\n');
  weir = await startDev(['--data', join(folder, 'dynamodb'), '--config', config]);
  reviews = subscribe(
    overWebSocket,
    'subscription { reviewAdded(upc: "p1") { rating body product { name price inStock } author { name } } }',
  );
  orders = subscribe(overWebSocket, order, 'u1');
  stock = subscribe(overEventStream, 'subscription { stockChanged(upcs: ["p3"]) { upc availability name } }');
  shipments = subscribe(
    overEventStream,
    `subscription { shipmentMoved(orderId: "${shipped}") { ${parcel} } }`,
    'support',
  );
}, 90_000);
afterAll(async () => {
  for (const { close } of open) close();
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

function subscribe(over: typeof overWebSocket, query: string, user?: string): Subscriber {
  const subscriber = over(weir.url, { query }, { headers: user === undefined ? {} : as(user) });
  open.push(subscriber);
  return subscriber;
}

let sales = 0;
const causes = {
  review: () =>
    weir.query(
      'mutation { writeReview(input: { upc: "p1", rating: 5, body: "Good." }, idempotencyKey: "first") { id } }',
      as('u1'),
    ),
  sale: () =>
    weir.query(
      `mutation { placeOrder(
        input: {
          lines: [{ upc: "p3", quantity: 1 }]
          deliveryAddress: { street: "Oudegracht 1", city: "Utrecht", postalCode: "3511 AA", country: "NL" }
          paymentToken: "tok_ok"
        }
        idempotencyKey: "sale-${sales++}"
      ) { id } }`,
      as('u2'),
    ),
  delivery: () =>
    weir.query(`mutation { advanceOrder(id: "${shipped}", from: SHIPPED) { status } }`, as('support')),
  move: () => {
    const [, api] = /shipping +(http:\S+)/.exec(weir.stdout)!;
    const query = `mutation { moveShipment(orderId: "${shipped}", carrier: "POSTNL", place: "Utrecht") { ${parcel} } }`;
    const headers = { authorization: shipping.options.carrierToken.default };
    return fetch(api!, { method: 'POST', headers, body: JSON.stringify({ query }) });
  },
};

it('reviewAdded over WebSocket brings a review with its product and its author', async () => {
  const { data, errors } = await firstOf(reviews!, causes.review);
  expect(errors).toBeUndefined();
  expect(data.reviewAdded).toEqual({
    rating: 5,
    body: 'Good.',
    product: { name: anyText, price: expect.any(Number), inStock: expect.any(Boolean) },
    author: { name: anyText },
  });
});

it('stockChanged over SSE brings a product that somebody orders, with its name', async () => {
  const { data, errors } = await firstOf(stock!, causes.sale);
  expect(errors).toBeUndefined();
  expect(data.stockChanged).toEqual({ upc: 'p3', availability: anyText, name: anyText });
});

it('orderChanged over WebSocket brings an order to its buyer, with its products and its parcel', async () => {
  const { data, errors } = await firstOf(orders!, causes.delivery);
  expect(errors).toBeUndefined();
  const { lines, ...rest } = data.orderChanged;
  expect(rest).toEqual({
    id: shipped,
    status: 'DELIVERED',
    buyer: { name: anyText },
    shipment: { carrier: { name: anyText } },
  });
  expect(lines).not.toEqual([]);
  for (const line of lines) expect(line).toEqual({ product: { name: anyText } });
});

it('orderChanged brings nobody else an order', async () => {
  const { data, errors } = await subscribe(overWebSocket, order, 'u2').next();
  expect(data).toEqual({ orderChanged: null });
  expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
});

it('shipmentMoved over SSE brings what a carrier says to the API itself', async () => {
  const { data, errors } = await firstOf(shipments!, causes.move);
  expect(errors).toBeUndefined();
  expect(data.shipmentMoved).toEqual({
    orderId: shipped,
    place: 'Utrecht',
    trackingUrl: expect.stringContaining(shipped),
    days: expect.any(Number),
    carrier: { code: 'POSTNL', name: 'PostNL' },
  });
});

it('subscriptions go on, after a gap, when their subgraphs were killed', async () => {
  const names = ['reviews', 'inventory', 'orders', 'shipping'];
  for (const { pid, command } of childrenOf(weir.pid))
    if (names.some((name) => command.includes(`subgraphs/${name}/`))) process.kill(pid, 'SIGKILL');
  await Promise.all(names.map((name) => weir.printed(new RegExp(`${name} is back\\.`))));

  // Events from before may still wait to be read.
  const afterGap = async (subscriber: Subscriber, cause: () => Promise<unknown>) => {
    let result: Result;
    do result = await subscriber.next();
    while (result.extensions.weir.gap === undefined);
    expect(result.data).toBeNull();
    // The pause is for the stock, which would be sold out.
    return firstOf(subscriber, () => Promise.all([cause(), setTimeout(300)]));
  };
  const results = await Promise.all([
    afterGap(reviews!, causes.review),
    afterGap(stock!, causes.sale),
    afterGap(orders!, causes.delivery),
    afterGap(shipments!, causes.move),
  ]);
  for (const { data, errors } of results) {
    expect(errors).toBeUndefined();
    expect(Object.values(data)).toEqual([expect.any(Object)]);
  }
});

it('SIGTERM ends every subscription so that its client may come back, and the exit code is 0', async () => {
  weir.signal('SIGTERM');
  const closed = { code: 1001, reason: 'The gateway is shutting down.' };
  expect(await Promise.all([reviews!.ended, orders!.ended])).toMatchObject([closed, closed]);
  // Streams end without `complete`, which `graphql-sse` takes for a lost connection.
  const cut = { name: 'NetworkError', message: 'Connection closed while having active streams' };
  expect(await Promise.all([stock!.ended, shipments!.ended])).toMatchObject([cut, cut]);
  expect(await weir.exit).toBe(0);
});
