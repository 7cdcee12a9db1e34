/** Whatever fails, is late, or is done twice while an order is placed or cancelled: it ends with no hold and no charge left over. */
import { idOf } from '../../kit';
import { cancelOrder } from '../../subgraphs/orders/cancel-order';
import { placeOrder } from '../../subgraphs/orders/place-order';
import { setTimeout as sleep } from 'node:timers/promises';
import { ordersTable } from '../../subgraphs/orders/table';
import {
  faultsOf,
  faultsOfAll,
  product,
  startOrders,
  startOrderServices,
  type OrdersProcess,
  type OrdersProcessOptions,
  type OrderServices,
} from '../support/order-services';
import { eventually } from '../support/process';

/** In milliseconds. */
const patience = process.env['WEIR_QUIET'] ? 5000 : 60_000;

let services: OrderServices;
const started: { stop: () => Promise<void> }[] = [];
let keys = 0;

beforeAll(async () => {
  services = await startOrderServices();
});
// Otherwise they would run executions of the tests that follow.
afterEach(() => Promise.all(started.splice(0).map(({ stop }) => stop())));
afterAll(() => services.stop());

function start(options: OrdersProcessOptions = {}): OrdersProcess {
  const process = startOrders(services, options);
  started.push(process);
  return process;
}

interface Given {
  readonly token?: string;
  readonly country?: string;
}

/** Places an order, and survives what becomes of the process. Returns the order's id. */
async function place(
  { db, workflows }: OrdersProcess,
  { token = 'tok_ok', country = 'IT' }: Given = {},
  key = `key-${keys++}`,
): Promise<string> {
  const buyer = { id: 'u1' };
  const args = {
    input: {
      lines: [{ upc: product, quantity: 2 }],
      deliveryAddress: { street: 'Via Po 1', city: 'Turin', postalCode: '10124', country },
      paymentToken: token,
    },
    idempotencyKey: key,
  };
  await placeOrder(args, { buyer, db, workflows }).catch(() => undefined);
  return idOf('o', { key, scope: buyer.id });
}

const statusOf = async (id: string) =>
  (await services.db.table(ordersTable).get({ id }, { consistent: true }))?.status;

/** Waits, at most 5 s on a quiet machine, until nothing is wrong with these orders. Returns what is. */
async function faults(ids: readonly string[]): Promise<string[]> {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = (await Promise.all(ids.map((id) => faultsOf(id, services)))).flat();
    if (found.length === 0) return faultsOfAll(services);
    if (Date.now() > deadline) return found;
    // Each look asks for seven items of each order.
    await sleep(250);
  }
}

it('two processes that are asked for one order at once place it once', async () => {
  const pair = [start(), start()] as const;
  const ids = await Promise.all(
    [1, 2, 3].map(async (number) => {
      const [id] = await Promise.all(pair.map((process) => place(process, {}, `both ${number}`)));
      return id!;
    }),
  );
  expect(await faults(ids)).toEqual([]);
  expect(await Promise.all(ids.map(statusOf))).toEqual(Array(3).fill('PLACED'));
});

it.each(['reserveStock', 'takePayment', 'announceShipment'])(
  'nothing is left over when %s arrives after all was undone',
  async (command) => {
    let arrive!: () => void;
    const late = new Promise<void>((resolve) => (arrive = resolve));
    const id = await place(
      start({
        late,
        secondMilliseconds: 100,
        onCall: (body) => (body.includes(`${command}(`) ? 'late' : 'send'),
      }),
    );
    await expectEnd(id, command === 'announceShipment' ? 'CANCELLED' : 'REFUSED');
    arrive();
    await sleep(300);
    expect(await faults([id])).toEqual([]);
  },
);

it.each(['closeOrder', 'withdrawShipment', 'refundPayment', 'releaseStock', 'refuseOrder'] as const)(
  'an order is refused or cancelled, and undone, although %s fails three times',
  async (task) => {
    const process = start({
      secondMilliseconds: 100,
      failures: { [task]: 3 },
      onCall: (body) => (body.includes('announceShipment(') && body.includes('"FR"') ? 'fail' : 'send'),
    });
    const [declined, unshipped, placed] = await Promise.all([
      place(process, { token: 'tok_declined' }),
      place(process, { country: 'FR' }),
      place(process),
    ]);
    await expectEnd(placed, 'PLACED');
    await cancelOrder((await process.db.table(ordersTable).get({ id: placed }))!, process);
    await expectEnd(declined, 'REFUSED');
    await expectEnd(unshipped, 'CANCELLED');
    await expectEnd(placed, 'CANCELLED');
    expect(await faults([declined, unshipped, placed])).toEqual([]);
  },
);

it.each([
  ['twice', 'tok_twice', 'PLACED'],
  ['late', 'tok_late', 'PLACED'],
  ['never', 'tok_timeout', 'REFUSED'],
])('an order ends when the payment provider answers %s', async (_, token, status) => {
  const id = await place(start({ secondMilliseconds: 100 }), { token });
  await expectEnd(id, status);
  // The late answer.
  await sleep(1000);
  expect(await faults([id])).toEqual([]);
});

it('no charge is left over when the provider answers after the refund', async () => {
  let payments = 0;
  const id = await place(
    start({
      secondMilliseconds: 20,
      onCall: (body) => (body.includes('takePayment(') && payments++ > 0 ? 'fail' : 'send'),
    }),
    { token: 'tok_late' },
  );
  await expectEnd(id, 'REFUSED');
  await sleep(1000);
  expect(await faults([id])).toEqual([]);
});

async function expectEnd(id: string, status: string): Promise<void> {
  await eventually(async () => (await statusOf(id)) === status, patience);
  expect(await faults([id])).toEqual([]);
}
