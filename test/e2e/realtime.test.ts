/** The subscriptions of the sample shop as `npm start` runs it, each from its subgraph by another protocol. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shipping } from '../../subgraphs/shipping';
import { childrenOf, type DevProcess, endAll, startDev } from '../support/process';
import {
  firstOf,
  overEventStream,
  overWebSocket,
  type Result,
  type Subscriber,
} from '../support/subscription-clients';

const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
/** An order of `u1` that is on its way. */
const shipped = 'o240';
const as = (user: string) => ({ authorization: `Bearer ${user}` });
const anyText = expect.any(String) as string;
const parcel = 'orderId place trackingUrl days carrier { code name }';
const order = (id: string) => `subscription { orderChanged(id: "${id}") {
  id status buyer { name } lines { product { name } } shipment { carrier { name } } } }`;

let weir: DevProcess;
const open: Subscriber[] = [];
let [reviews, orders, stock, shipments]: Subscriber[] = [];
/** An order of `u1` that is placed. */
let placed: string;

beforeAll(async () => {
  const config = join(folder, 'weir.yaml');
  writeFileSync(config, '{}\n');
  weir = await startDev(['--data', join(folder, 'dynamodb'), '--config', config]);
  reviews = subscribe(
    overWebSocket,
    'subscription { reviewAdded(upc: "p1") { id rating body product { name price inStock } author { name } } }',
  );
  placed = (await placeOrder('u1', 'placed')).data.placeOrder.id;
  orders = subscribe(overWebSocket, order(placed), 'u1');
  stock = subscribe(overEventStream, 'subscription { stockChanged(upcs: ["p3"]) { upc availability name } }');
  shipments = subscribe(
    overEventStream,
    `subscription { shipmentMoved(orderId: "${shipped}") { ${parcel} } }`,
    'support',
  );
});
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

const placeOrder = (user: string, key: string): Promise<Result> =>
  weir.query(
    `mutation { placeOrder(
      input: {
        lines: [{ upc: "p3", quantity: 1 }]
        deliveryAddress: { street: "Oudegracht 1", city: "Utrecht", postalCode: "3511 AA", country: "NL" }
        paymentToken: "tok_ok"
      }
      idempotencyKey: "${key}"
    ) { id } }`,
    as(user),
  );

// A repeated mutation has no second event, so each cause of one is a mutation of its own, or changes what is changed once.
let [written, sales] = [0, 0];
const causes = {
  review: () =>
    weir.query(
      `mutation { writeReview(input: { upc: "p1", rating: 5, body: "Good." }, idempotencyKey: "${written++}") { id } }`,
      as('u1'),
    ),
  sale: () => placeOrder('u2', `sale-${sales++}`),
  shipment: () =>
    weir.query(`mutation { advanceOrder(id: "${placed}", from: PLACED) { status } }`, as('support')),
  delivery: () =>
    weir.query(`mutation { advanceOrder(id: "${placed}", from: SHIPPED) { status } }`, as('support')),
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
    id: anyText,
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
  let result = await firstOf(orders!, causes.shipment);
  // That it was placed may have been told a moment after the subscription began.
  while (result.data.orderChanged.status === 'PLACED') result = await orders!.next();
  expect(result.errors).toBeUndefined();
  const { lines, ...rest } = result.data.orderChanged;
  expect(rest).toEqual({
    id: placed,
    status: 'SHIPPED',
    buyer: { name: anyText },
    shipment: { carrier: { name: anyText } },
  });
  expect(lines).not.toEqual([]);
  for (const line of lines) expect(line).toEqual({ product: { name: anyText } });
});

it('orderChanged brings nobody else an order', async () => {
  const { data, errors } = await subscribe(overWebSocket, order(placed), 'u2').next();
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

it('subscriptions go on when their subgraphs were killed, without a gap where their events have positions', async () => {
  const names = ['reviews', 'inventory', 'orders', 'shipping'];
  for (const { pid, command } of childrenOf(weir.pid))
    if (names.some((name) => command.includes(`subgraphs/${name}/`))) process.kill(pid, 'SIGKILL');
  await Promise.all(names.map((name) => weir.printed(new RegExp(`${name} is back\\.`))));

  /** Events from before may still wait to be read. */
  const read = async (subscriber: Subscriber, isWanted: (result: Result) => boolean): Promise<Result> => {
    for (;;) {
      const result = await subscriber.next();
      if (isWanted(result)) return result;
      expect(result.extensions?.weir?.gap).toBeUndefined();
    }
  };
  const { id } = (await causes.review()).data.writeReview;
  await Promise.all([causes.sale(), causes.delivery()]);
  const results = await Promise.all([
    read(reviews!, ({ data }) => data?.reviewAdded.id === id),
    read(stock!, ({ data }) => data !== null),
    read(orders!, ({ data }) => data?.orderChanged.status === 'DELIVERED'),
  ]);
  for (const { errors } of results) expect(errors).toBeUndefined();

  // AppSync numbers no events.
  await read(shipments!, ({ data, extensions }) => data === null && extensions.weir.gap !== undefined);
  const { data } = await firstOf(shipments!, causes.move);
  expect(data.shipmentMoved.orderId).toBe(shipped);
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
