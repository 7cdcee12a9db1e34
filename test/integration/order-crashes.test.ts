/** Wherever orders dies while an order is placed or cancelled, it ends placed, or with everything undone. */
import { idOf } from '../../subgraphs/kit';
import { cancelOrder } from '../../subgraphs/orders/cancel-order';
import { placeOrder } from '../../subgraphs/orders/place-order';
import { ordersTable } from '../../subgraphs/orders/table';
import { amountOf, timeFor } from '../support/amounts';
import {
  faultsOf,
  faultsOfAll,
  product,
  soldOut,
  startOrders,
  startOrderServices,
  type OrdersProcess,
  type OrdersProcessOptions,
  type OrderServices,
} from '../support/order-services';

/** How often each point of a crash is tried. */
const rounds = amountOf('WEIR_CRASHES', 1, 20);
/** In milliseconds. */
const patience = process.env['WEIR_QUIET'] ? 5000 : 60_000;
jest.setTimeout(timeFor(rounds, 1));

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
  readonly upc?: string;
}

/** Places an order, and survives what becomes of the process. Returns the order's id. */
async function place(
  { db, workflows }: OrdersProcess,
  { token = 'tok_ok', upc = product }: Given = {},
  key = `key-${keys++}`,
): Promise<string> {
  const buyer = { id: 'u1' };
  const args = {
    input: {
      lines: [{ upc, quantity: 2 }],
      deliveryAddress: { street: 'Via Po 1', city: 'Turin', postalCode: '10124', country: 'IT' },
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
  const faulty = async (some: readonly string[]) => {
    const found = await Promise.all(some.map(async (id) => ({ id, found: await faultsOf(id, services) })));
    return found.filter(({ found }) => found.length > 0);
  };
  let left = await faulty(ids);
  // Only those are looked at again: to look takes more of a processor than to place an order.
  while (left.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    left = await faulty(left.map(({ id }) => id));
    if (left.length === 0) left = await faulty(ids);
  }
  return left.length > 0 ? left.flatMap(({ found }) => found) : faultsOfAll(services);
}

/** A few at a time. */
async function eachOf<Item, Result>(items: readonly Item[], act: (item: Item) => Promise<Result>) {
  const results: Result[] = [];
  for (let i = 0; i < items.length; i += 4)
    results.push(...(await Promise.all(items.slice(i, i + 4).map(act))));
  return results;
}

const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe.each<[string, Given, string]>([
  ['an order that is placed', {}, 'PLACED'],
  ['an order whose payment is declined', { token: 'tok_declined' }, 'REFUSED'],
  // The compensations are a part of those before.
  ...(rounds > 1
    ? [['an order of what is sold out', { upc: soldOut }, 'REFUSED'] as [string, Given, string]]
    : []),
])('%s', (what, given, ending) => {
  it('ends, and all is balanced, wherever orders dies and is started again, or has another process', async () => {
    const whole = start();
    expect(await faults([await place(whole, given)])).toEqual([]);
    const points = numbersTo(whole.passed());
    await whole.stop();

    for (const round of numbersTo(rounds)) {
      const dying = async (point: number): Promise<string> => {
        const victim = start({ diesAt: point });
        const id = await place(victim, given, `${what} ${round} ${point}`);
        void victim.stop();
        return id;
      };
      const isOdd = (point: number) => (point + round) % 2 === 1;

      // These die alone. Another process starts afterwards, and is sent some of the mutations again.
      const ids = await eachOf(points.filter(isOdd), dying);
      const next = start();
      const repeated = points.filter((point) => point % 4 === 1);
      await eachOf(repeated, (point) => place(next, given, `${what} ${round} ${point}`));
      // These die while the other one is there.
      const others = points.filter((point) => !isOdd(point));
      ids.push(...(await eachOf(others, dying)));

      // Before its first write an order does not exist.
      const written: string[] = [];
      for (const id of ids) if (await next.workflows.get('place-order', id)) written.push(id);
      expect(written.length).toBeGreaterThanOrEqual(ids.length - 2);
      expect(await faults(written)).toEqual([]);
      expect(new Set(await Promise.all(written.map(statusOf)))).toEqual(new Set([ending]));
      await next.stop();
    }
  });
});

it('an order that is cancelled ends so, and all is balanced, wherever orders dies', async () => {
  const next = start();
  const cancelled = async (diesAt?: number): Promise<string> => {
    const id = await place(next);
    const victim = start({ ...(diesAt !== undefined && { diesAt }) });
    const order = (await next.db.table(ordersTable).get({ id }, { consistent: true }))!;
    await cancelOrder(order, victim).catch(() => undefined);
    points = victim.passed();
    void victim.stop();
    return id;
  };
  let points = 0;
  expect(await faults([await cancelled()])).toEqual([]);
  const ids = await eachOf(numbersTo(points), cancelled);
  expect(await faults(ids)).toEqual([]);
  const statuses = await Promise.all(ids.map(statusOf));
  // Before its first write nobody knows that it is to be cancelled.
  expect(statuses.filter((status) => status !== 'CANCELLED').length).toBeLessThanOrEqual(2);
});
