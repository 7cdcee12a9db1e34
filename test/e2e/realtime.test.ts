/** The subscriptions of the sample shop as `npm start` runs it, each from its subgraph by another protocol. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shipping } from '../../subgraphs/shipping';
import { type DevProcess, endAll, startDev } from '../support/process';
import { firstOf, overEventStream, overWebSocket, type Subscriber } from '../support/subscription-clients';

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

it('reviewAdded over WebSocket brings a review with its product and its author', async () => {
  const write =
    'mutation { writeReview(input: { upc: "p1", rating: 5, body: "Good." }, idempotencyKey: "first") { id } }';
  const { data, errors } = await firstOf(reviews!, () => weir.query(write, as('u1')));
  expect(errors).toBeUndefined();
  expect(data.reviewAdded).toEqual({
    rating: 5,
    body: 'Good.',
    product: { name: anyText, price: expect.any(Number), inStock: expect.any(Boolean) },
    author: { name: anyText },
  });
});

it('stockChanged over SSE brings a product that somebody orders, with its name', async () => {
  const { data, errors } = await firstOf(stock!, (attempt) =>
    weir.query(
      `mutation { placeOrder(
        input: {
          lines: [{ upc: "p3", quantity: 1 }]
          deliveryAddress: { street: "Oudegracht 1", city: "Utrecht", postalCode: "3511 AA", country: "NL" }
        }
        idempotencyKey: "stock-${attempt}"
      ) { id } }`,
      as('u2'),
    ),
  );
  expect(errors).toBeUndefined();
  expect(data.stockChanged).toEqual({ upc: 'p3', availability: anyText, name: anyText });
});

it('orderChanged over WebSocket brings an order to its buyer, with its products and its parcel', async () => {
  const advance = `mutation { advanceOrder(id: "${shipped}", from: SHIPPED) { status } }`;
  const { data, errors } = await firstOf(orders!, () => weir.query(advance, as('support')));
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
  const [, api] = /shipping +(http:\S+)/.exec(weir.stdout)!;
  const move = `mutation { moveShipment(orderId: "${shipped}", carrier: "POSTNL", place: "Utrecht") { ${parcel} } }`;
  const { data, errors } = await firstOf(shipments!, () =>
    fetch(api!, {
      method: 'POST',
      headers: { authorization: shipping.options.carrierToken.default },
      body: JSON.stringify({ query: move }),
    }),
  );
  expect(errors).toBeUndefined();
  expect(data.shipmentMoved).toEqual({
    orderId: shipped,
    place: 'Utrecht',
    trackingUrl: expect.stringContaining(shipped),
    days: expect.any(Number),
    carrier: { code: 'POSTNL', name: 'PostNL' },
  });
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
