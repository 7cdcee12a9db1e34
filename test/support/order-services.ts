/** What an order needs, in this process, over one DynamoDB: for tests that let parts of it die. */
import { inventory } from '../../subgraphs/inventory';
import { reservationsTable, stockTable } from '../../subgraphs/inventory/table';
import { openDatabase, openEmbeddedDynamoDB, startSubgraph, type Database, type WithOutbox } from '../../kit';
import { startAppSyncSubgraph } from '../../kit/appsync/stand-in';
import { connectDynamoDB } from '../../kit/store/dynamodb';
import { eventLogTable, openEventLog } from '../../kit/events/log/event-log';
import { prepareTable } from '../../kit/serve/prepare';
import { withAllOperations } from '../../kit/table/definition';
import { executionsTable } from '../../kit/workflows/executions-table';
import { cartsTable, ordersTable, type Order } from '../../subgraphs/orders/table';
import { payments } from '../../subgraphs/payments';
import { chargesTable } from '../../subgraphs/payments/fake-provider';
import { paymentsTable } from '../../subgraphs/payments/table';
import { products } from '../../subgraphs/products';
import { productsTable } from '../../subgraphs/products/table';
import { shipping } from '../../subgraphs/shipping';
import { shipmentsTable } from '../../subgraphs/shipping/table';

export type OrderServices = Awaited<ReturnType<typeof startOrderServices>>;

export const product = 'p1';
/** In cents. */
const price = 1000;
const onHand = 100_000;
/** A product of which there is none. */
export const soldOut = 'p2';

export async function startOrderServices() {
  const dynamodb = await openEmbeddedDynamoDB();
  const database = { kind: 'endpoint', endpoint: dynamodb.endpoint } as const;
  const settings = { port: 0, database, seed: false, logLevel: 'silent' };
  const api = await startAppSyncSubgraph(shipping, settings);
  const running = {
    inventory: await startSubgraph(inventory, settings),
    payments: await startSubgraph(payments, settings),
    products: await startSubgraph(products, settings),
  };
  const { client, stop } = await connectDynamoDB(database);
  const db = openDatabase({ client });
  for (const table of [ordersTable, cartsTable, executionsTable('orders'), eventLogTable('orders')]) {
    await prepareTable(table, { db, client, seed: false });
  }
  const [sample] = [...productsTable.seed!()];
  for (const upc of [product, soldOut]) {
    const available = upc === soldOut ? 0 : onHand;
    await db.table(withAllOperations(productsTable)).put({ ...sample!, upc, sku: upc, price });
    await db
      .table(withAllOperations(stockTable))
      .put({ upc, sku: upc, warehouse: 'RTM', onHand: available, available, holds: {} });
  }
  const urls = {
    inventoryUrl: running.inventory.url,
    paymentsUrl: running.payments.url,
    productsUrl: running.products.url,
    shippingUrl: api.url,
  };
  return {
    ...running,
    endpoint: dynamodb.endpoint,
    urls,
    db,
    async stop() {
      await Promise.all([api, ...Object.values(running)].map((part) => part.stop()));
      await stop();
      await dynamodb.stop();
    },
  };
}

/** What is wrong with an order and with all that belongs to it; nothing if all is well. */
export async function faultsOf(id: string, { db }: OrderServices): Promise<string[]> {
  const consistent = { consistent: true };
  const order = await db.table(ordersTable).get({ id }, consistent);
  const reservation = await db.table(reservationsTable).get({ orderId: id }, consistent);
  const payment = await db.table(paymentsTable).get({ orderId: id }, consistent);
  const charge = await db.table(chargesTable).get({ reference: id }, consistent);
  const stock = await db.table(stockTable).get({ upc: product }, consistent);
  const shipment = await db.table(shipmentsTable).get({ orderId: id }, consistent);
  const found = {
    status: order?.status,
    reservation: reservation?.state === 'held',
    hold: stock?.holds[id] ?? 0,
    charged: charge?.state === 'charged' ? charge.amount : 0,
    payment: payment?.status === 'TAKEN',
    shipment: shipment?.country !== undefined && !shipment.isWithdrawn,
    total: order?.total,
    events: await eventsOfOrder(order, db),
  };
  const isPlaced = order?.status === 'PLACED';
  const quantity = isPlaced ? order.lines[0]!.quantity : 0;
  const expected = {
    status: order && endings.has(order.status) ? order.status : 'an end',
    reservation: isPlaced,
    hold: quantity,
    charged: quantity * price,
    payment: isPlaced,
    shipment: isPlaced,
    total: order?.status === 'REFUSED' ? undefined : order && order.lines[0]!.quantity * price,
    events: eventsOf[order?.status ?? ''],
  };
  return Object.entries(expected)
    .filter(([name, value]) => found[name as keyof typeof found] !== value)
    .map(
      ([name, value]) =>
        `${id}: ${name} is ${String(found[name as keyof typeof found])}, not ${String(value)}`,
    );
}

/** The types of the events of an order: those in the log, and those on their way to it. */
async function eventsOfOrder(order: (Order & WithOutbox) | null, db: Database): Promise<string> {
  const written = (order?.outbox ?? []).map((text) => JSON.parse(text) as { id: string; type: string });
  const logged = order ? await openEventLog({ db, source: 'orders' }).read(order.id) : [];
  const ids = new Set(logged.map(({ id }) => id));
  return [...logged, ...written.filter(({ id }) => !ids.has(id))].map(({ type }) => type).join();
}

const endings: ReadonlySet<Order['status']> = new Set(['PLACED', 'REFUSED', 'CANCELLED']);
const eventsOf: Readonly<Record<string, string>> = {
  PLACED: 'OrderPlaced',
  REFUSED: 'OrderRefused',
  CANCELLED: 'OrderPlaced,OrderCancelled',
};

/** What is wrong with the stock as a whole, and with the log of events: each is to be in it once. */
export async function faultsOfAll({ db }: OrderServices): Promise<string[]> {
  const log = openEventLog({ db, source: 'orders' });
  const ids = new Set<string>();
  for (let after = ''; ;) {
    const page = await log.readAll(after, 500);
    const twice = page.filter(({ event }) => ids.has(event.id) || !ids.add(event.id));
    if (twice.length > 0)
      return twice.map(({ event }) => `the event ${event.type} of ${event.subject} is there twice`);
    if (page.length === 0) break;
    after = page.at(-1)!.position;
  }
  const item = (await db.table(stockTable).get({ upc: product }, { consistent: true }))!;
  const held = Object.values(item.holds).reduce((sum, count) => sum + count, 0);
  return item.available + held === onHand ? [] : [`${item.available} and ${held} are not ${onHand}`];
}
