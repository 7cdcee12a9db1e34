/** Real processes of orders, inventory and payments that are killed while an order is placed or cancelled. */
import { buildSync } from 'esbuild';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { ordersTable } from '../../subgraphs/orders/table';
import { amountOf, timeFor } from '../support/amounts';
import {
  faultsOf,
  faultsOfAll,
  product,
  startOrderServices,
  type OrderServices,
} from '../support/order-services';
import { endAll, eventually, startProcess, type WeirProcess } from '../support/process';
import { temporaryFolder } from '../support/subgraph-kit';

/** How often each point of a crash is tried; by default, a few points are, once. */
const seeds = amountOf('WEIR_ORDER_KILLS', 0, 20);
/** How long an order may take to end after the restart, in milliseconds. A busy machine takes longer. */
const patience = process.env['WEIR_QUIET'] === '1' ? 5000 : 30_000;
jest.setTimeout(timeFor(1 + seeds * 100, 1));

const root = join(__dirname, '../..');
const folder = temporaryFolder();
const names = ['orders', 'inventory', 'payments'] as const;
type Name = (typeof names)[number];
let services: OrderServices;
const urls = new Map<string, string>();
const running = new Map<string, WeirProcess>();

beforeAll(async () => {
  services = await startOrderServices();
  for (const name of names) build(name);
  for (const name of ['inventory', 'payments', 'orders', 'orders-2']) await start(name);
}, 60_000);
afterAll(async () => {
  await endAll();
  await services.stop();
  folder.remove();
});

/** One file starts in half of the time. */
function build(name: Name): void {
  const source = join(root, 'subgraphs', name);
  const target = join(folder.path, name);
  buildSync({
    stdin: {
      resolveDir: root,
      contents: `import { ${name} } from './subgraphs/${name}';
        import { startSubgraph } from './subgraphs/kit';
        import { readSettings } from './subgraphs/kit/settings';
        startSubgraph(${name}, readSettings(${name}, process.argv.slice(2))).then(({ app, url }) =>
          app.log.info({ url }, 'ready'),
        );`,
    },
    // No file of the bundle is the one that node was started with.
    define: { 'require.main': 'undefined' },
    outfile: join(target, 'index.js'),
    bundle: true,
    platform: 'node',
    logLevel: 'error',
  });
  cpSync(join(source, 'schema.graphql'), join(target, 'schema.graphql'));
  if (name === 'orders') cpSync(join(source, 'workflows'), join(target, 'workflows'), { recursive: true });
}

/** Starts a service at the address that it had before. */
async function start(name: string, diesAt?: number): Promise<void> {
  const known = urls.get(name);
  const file = join(folder.path, name.replace('-2', ''), 'index.js');
  const port = known === undefined ? '0' : new URL(known).port;
  const service = startProcess(
    ['-r', join(root, 'test/support/die-at.cjs'), file, '--port', port, '--seed', 'false'],
    {
      DYNAMODB_ENDPOINT: services.endpoint,
      INVENTORY_URL: urls.get('inventory') ?? '',
      PAYMENTS_URL: urls.get('payments') ?? '',
      PRODUCTS_URL: services.urls.productsUrl,
      SHIPPING_URL: services.urls.shippingUrl,
      LOG_LEVEL: 'info',
      ...(diesAt !== undefined && { DIE_AT: String(diesAt) }),
    },
  );
  running.set(name, service);
  const [, url] = await service.printed(/"url":"(http:[^"]+)","msg":"ready"/);
  urls.set(name, url!);
}

async function restart(name: string, diesAt?: number): Promise<void> {
  running.get(name)!.signal('SIGKILL');
  await running.get(name)!.exit;
  await start(name, diesAt);
}

interface Answer {
  readonly data?: { readonly order: { readonly id: string } | null } | null;
  readonly errors?: readonly { readonly extensions: { readonly orderId?: string } }[];
}

/** The id of the order that a mutation is about; undefined if whoever should answer is dead. */
async function mutate(name: string, query: string, variables: object): Promise<string | undefined> {
  try {
    const response = await fetch(urls.get(name)!, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer u1' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as Answer;
    return data?.order?.id ?? errors?.[0]?.extensions.orderId;
  } catch {
    return undefined;
  }
}

const place = (name: string, key: string, token: string) =>
  mutate(
    name,
    'mutation ($input: PlaceOrderInput!, $key: String!) { order: placeOrder(input: $input, idempotencyKey: $key) { id } }',
    {
      input: {
        lines: [{ upc: product, quantity: 2 }],
        deliveryAddress: { street: 'Via Po 1', city: 'Turin', postalCode: '10124', country: 'IT' },
        paymentToken: token,
      },
      key,
    },
  );

const cancel = (name: string, id: string) =>
  mutate(name, 'mutation ($id: ID!) { order: cancelOrder(id: $id) { id } }', { id });

const isDead = (name: string): Promise<boolean> =>
  Promise.race([
    running.get(name)!.exit.then(() => true),
    new Promise<boolean>((resolve) => setTimeout(resolve, 50, false)),
  ]);

let keys = 0;

/**
 * Lets a service die at a point while an order is placed, and cancelled or not; and starts it again. Without `twin`, the
 * other process of orders is not asked, but runs what the dead one has left. False if there is no such point.
 */
async function survive(
  victim: Name,
  { point, token, cancels, twin }: { point: number; token: string; cancels: boolean; twin: boolean },
): Promise<boolean> {
  const key = `key-${keys++}`;
  const known = cancels ? await place('orders-2', key, token) : undefined;
  await restart(victim, point);
  running.get(victim)!.signal('SIGUSR2');
  const act = (name: string) => (cancels ? cancel(name, known!) : place(name, key, token));
  await Promise.all([act('orders'), ...(twin ? [act('orders-2')] : [])]);
  const wasReached = await isDead(victim);
  await restart(victim);
  const began = performance.now();
  // A client that had no answer repeats its mutation.
  const id = (await act('orders')) ?? (await place('orders', key, token));
  const status = cancels ? 'CANCELLED' : token === 'tok_ok' ? undefined : 'REFUSED';
  let faults: string[] = [];
  await eventually(async () => {
    faults = await faultsOf(id!, services);
    return faults.length === 0 && (status === undefined || (await statusOf(id!)) === status);
  }, patience).catch(() => undefined);
  expect({ victim, point, faults, status: status ?? (await statusOf(id!)) }).toEqual({
    victim,
    point,
    faults: [],
    status: status ?? expect.stringMatching(/^(PLACED|REFUSED)$/),
  });
  expect(performance.now() - began).toBeLessThan(patience);
  return wasReached;
}

const statusOf = async (id: string) =>
  (await services.db.table(ordersTable).get({ id }, { consistent: true }))?.status;

const cases = [
  { victim: 'orders', token: 'tok_ok', cancels: false, twin: false, points: [9, 37] },
  { victim: 'orders', token: 'tok_declined', cancels: false, twin: true, points: [30] },
  { victim: 'orders', token: 'tok_ok', cancels: true, twin: false, points: [12] },
  { victim: 'inventory', token: 'tok_ok', cancels: false, twin: false, points: [4] },
  { victim: 'payments', token: 'tok_ok', cancels: false, twin: true, points: [4] },
] as const;

it.each(cases)(
  'an order ends, and all is balanced, when $victim is killed: $token, cancelled: $cancels, two processes: $twin',
  async ({ victim, points, ...given }) => {
    // The other process of orders may have the execution: then the victim does less than it would alone.
    const isShared = given.twin && victim === 'orders';
    for (const point of seeds === 0 ? points : [])
      expect((await survive(victim, { ...given, point })) || isShared).toBe(true);
    for (let seed = 0; seed < seeds; seed++) {
      let point = 1;
      while (await survive(victim, { ...given, point })) point++;
      expect(point).toBeGreaterThan(Math.max(...points));
    }
    expect(await faultsOfAll(services)).toEqual([]);
  },
);
