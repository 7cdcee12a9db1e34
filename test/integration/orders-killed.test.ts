/**
 * Orders, inventory and payments as real processes, each of which is killed, or stopped for a while, in front of the
 * calls that it sends while orders are placed, refused and cancelled: in front of each call in `npm run test:long`. Some
 * orders wait at once, each at a point of its own, so that one SIGKILL tries some points.
 * Over 300 lines: the processes, and what is tried with them.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readWorkflows } from '../../kit/workflows/open-workflows';
import { orders } from '../../subgraphs/orders';
import { ordersTable } from '../../subgraphs/orders/table';
import { amountOf, timeFor } from '../support/amounts';
import { bundle } from '../support/bundled';
import {
  faultsOf,
  faultsOfAll,
  product,
  soldOut,
  startOrderServices,
  type OrderServices,
} from '../support/order-services';
import { endAll, eventually, startProcess, type WeirProcess } from '../support/process';
import { temporaryFolder } from '../support/subgraph-kit';

/** How often each process is killed. */
const seeds = amountOf('WEIR_ORDER_KILLS', 1, 20);
/** How many points of each process are tried, spread over all. */
const most = amountOf('WEIR_ORDER_POINTS', 6, Infinity);
/** How many orders wait at once: few enough that a busy machine keeps their leases and answers in time. */
const width = 12;
/** How long all orders may take to end after the restart, in milliseconds. A busy machine takes longer. */
const patience = process.env['WEIR_QUIET'] === '1' ? 5000 : 60_000;
jest.setTimeout(timeFor(seeds, 1));

const root = join(__dirname, '../..');
const folder = temporaryFolder();
type Name = 'orders' | 'orders-2' | 'inventory' | 'payments';
let services: OrderServices;
const urls = new Map<Name, string>();
const running = new Map<Name, WeirProcess>();

beforeAll(async () => {
  build();
  services = await startOrderServices();
  await Promise.all([start('inventory'), start('payments')]);
  await Promise.all([start('orders'), start('orders-2')]);
});
afterAll(async () => {
  await endAll();
  await services.stop();
  folder.remove();
});

// Also where a test has failed.
afterEach(() => [...running.values()].forEach(disarm));

function disarm(service: WeirProcess): void {
  service.signal('SIGCONT');
  service.signal('SIGHUP');
}

/** Sends signals, and waits until the process has confirmed them with a line. */
async function confirmed(name: Name, line: RegExp, send: (service: WeirProcess) => void): Promise<void> {
  const service = running.get(name)!;
  const count = () => Array.from(service.stdout.matchAll(line)).length;
  const before = count();
  send(service);
  await eventually(() => count() > before, 60_000);
}

const arm = (name: Name): Promise<void> =>
  confirmed(name, /^armed$/gm, (service) => service.signal('SIGUSR2'));
const goOn = (name: Name): Promise<void> => confirmed(name, /^disarmed$/gm, disarm);

function build(): void {
  bundle(join(folder.path, 'service.js'), {
    stdin: {
      resolveDir: root,
      contents: `import { inventory } from './subgraphs/inventory';
        import { orders } from './subgraphs/orders';
        import { payments } from './subgraphs/payments';
        import { startSubgraph } from './kit';
        import { readSettings } from './kit/settings';
        const [name, ...args] = process.argv.slice(2);
        const subgraph = { inventory, orders, payments }[name];
        startSubgraph(subgraph, readSettings(subgraph, args)).then(({ url }) => console.log('ready at ' + url));`,
    },
  });
  cpSync(join(root, 'subgraphs/orders/workflows'), join(folder.path, 'workflows'), { recursive: true });
}

/** Starts a service at the address that it had before. */
async function start(name: Name): Promise<void> {
  const known = urls.get(name);
  const subgraph = name.replace('-2', '');
  const service = startProcess(
    [
      ...['-r', join(root, 'test/support/stop-at.cjs'), join(folder.path, 'service.js'), subgraph],
      ...['--schema', join(root, 'subgraphs', subgraph, 'schema.graphql')],
      ...['--port', known === undefined ? '0' : new URL(known).port, '--seed', 'false'],
    ],
    {
      DYNAMODB_ENDPOINT: services.endpoint,
      INVENTORY_URL: urls.get('inventory') ?? '',
      PAYMENTS_URL: urls.get('payments') ?? '',
      PRODUCTS_URL: services.urls.productsUrl,
      SHIPPING_URL: services.urls.shippingUrl,
      LOG_LEVEL: 'error',
    },
  );
  running.set(name, service);
  const [, url] = await service.printed(/ready at (http:\S+)/);
  urls.set(name, url!);
}

async function kill(name: Name): Promise<void> {
  running.get(name)!.signal('SIGKILL');
  await running.get(name)!.exit;
}

interface Answer {
  readonly data?: { readonly order: { readonly id: string } | null } | null;
  readonly errors?: readonly { readonly extensions: { readonly orderId?: string } }[];
}

/** The id of the order that a mutation is about; undefined if whoever should answer is dead. */
async function mutate(
  name: Name,
  { query, variables, requestId }: { query: string; variables: object; requestId: string },
): Promise<string | undefined> {
  try {
    const response = await fetch(urls.get(name)!, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer u1',
        'x-request-id': requestId,
      },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as Answer;
    return data?.order?.id ?? errors?.[0]?.extensions.orderId;
  } catch {
    return undefined;
  }
}

/** What is done to each order, and how it ends if nothing is refused for lack of an answer. */
interface Scenario {
  readonly token?: string;
  readonly upc?: string;
  readonly ends: 'PLACED' | 'REFUSED' | 'CANCELLED';
}
const placed: Scenario = { token: 'tok_ok', ends: 'PLACED' };
const declined: Scenario = { token: 'tok_declined', ends: 'REFUSED' };
const cancelled: Scenario = { ends: 'CANCELLED' };
const short = [placed, declined, cancelled];
const others: Scenario[] = [
  { token: 'tok_twice', ends: 'PLACED' },
  { token: 'tok_late', ends: 'PLACED' },
  { token: 'tok_timeout', ends: 'REFUSED' },
  { upc: soldOut, ends: 'REFUSED' },
];

let numbers = 0;
/** Orders that are placed, and are cancelled by and by. */
const pool = new Set<string>();

/** One order, and what is asked of it: a repetition asks the same. */
class Subject {
  readonly #key = `key-${numbers++}`;
  readonly requestId: string;
  id: string | undefined;

  constructor(
    readonly scenario: Scenario,
    readonly point: number,
  ) {
    this.requestId = `stop-${point}-${this.#key}`;
    if (scenario === cancelled) {
      [this.id] = pool;
      pool.delete(this.id!);
    }
  }

  /** Asks until there is an answer, as clients do. */
  async repeat(name: Name): Promise<void> {
    for (let i = 0; i < 20 && !(await this.act(name, `again-${this.#key}`)); i++) await sleep(100);
  }

  /** False if there was no answer. */
  async act(name: Name, requestId: string): Promise<boolean> {
    const { token = 'tok_ok', upc = product } = this.scenario;
    const input = {
      lines: [{ upc, quantity: 2 }],
      deliveryAddress: { street: 'Via Po 1', city: 'Turin', postalCode: '10124', country: 'IT' },
      paymentToken: token,
    };
    const id = await mutate(name, {
      requestId,
      ...(this.scenario === cancelled
        ? {
            query: 'mutation ($id: ID!) { order: cancelOrder(id: $id) { id } }',
            variables: { id: this.id },
          }
        : {
            query:
              'mutation ($input: PlaceOrderInput!, $key: String!) { order: placeOrder(input: $input, idempotencyKey: $key) { id } }',
            variables: { input, key: this.#key },
          }),
    });
    this.id ??= id;
    return id !== undefined;
  }

  async status(): Promise<string | undefined> {
    if (this.id === undefined) return undefined;
    return (await services.db.table(ordersTable).get({ id: this.id }, { consistent: true }))?.status;
  }

  /** What is wrong with it: nothing, if it has ended as it must. */
  async faults(): Promise<string[]> {
    const status = await this.status();
    const { ends } = this.scenario;
    // An order may be refused as a service did not answer in time.
    if (status !== ends && !(status === 'REFUSED' && ends === 'PLACED'))
      return [`${this.requestId} is ${status}, not ${ends}`];
    return faultsOf(this.id!, services);
  }
}

async function fillPool(count: number): Promise<void> {
  while (pool.size < count) {
    const some = Array.from({ length: count - pool.size }, () => new Subject(placed, 0));
    await eachOf(some, (subject) => subject.repeat('orders-2'));
    await expectEnds(some);
  }
}

/** So many at once as wait at once. */
async function eachOf<Item>(items: Iterable<Item>, act: (item: Item) => Promise<unknown>): Promise<void> {
  const rest = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = rest.next(); !next.done; next = rest.next()) await act(next.value);
    }),
  );
}

/** Waits until nothing is wrong with any of them. Returns how long that took, in milliseconds. */
async function expectEnds(subjects: readonly Subject[]): Promise<number> {
  const began = performance.now();
  const open = new Map(subjects.map((subject) => [subject, ['?']]));
  while (open.size > 0 && performance.now() - began < patience) {
    await eachOf([...open.keys()], async (subject) => {
      const faults = await subject.faults();
      if (faults.length > 0) open.set(subject, faults);
      else open.delete(subject);
    });
    if (open.size > 0) await sleep(100);
  }
  const took = performance.now() - began;
  expect([...open.values()].flat()).toEqual([]);
  await eachOf(subjects, async ({ scenario, id }) => {
    if (scenario.ends === 'PLACED' && (await isPlaced(id!))) pool.add(id!);
  });
  return took;
}

const isPlaced = async (id: string) =>
  (await services.db.table(ordersTable).get({ id }, { consistent: true }))?.status === 'PLACED';

/**
 * How many calls a process sends for an order. Of two at once, as the events of both may be relayed together: that is
 * then done for one of them.
 */
async function pointsOf(victim: Name, scenario: Scenario): Promise<number> {
  const pair = [new Subject(scenario, 0), new Subject(scenario, 0)];
  await Promise.all(pair.map((subject) => subject.act('orders', subject.requestId)));
  await expectEnds(pair);
  const passed = pair.map(({ requestId }) =>
    Array.from(running.get(victim)!.stdout.matchAll(new RegExp(`^passed ${requestId}$`, 'gm'))),
  );
  return Math.min(...passed.map(({ length }) => length));
}

/** An order for each point of a process, in parts that wait at once. */
async function subjectsFor(victim: Name, scenarios: readonly Scenario[]): Promise<Subject[][]> {
  await fillPool(2);
  // It might take an order over on a busy machine, and the victim would send less.
  running.get('orders-2')!.signal('SIGSTOP');
  await arm(victim);
  let points: [Scenario, number][] = [];
  for (const scenario of scenarios) {
    const count = await pointsOf(victim, scenario);
    for (let point = 1; point <= count; point++) points.push([scenario, point]);
  }
  for (const name of ['orders-2', victim] as const) await goOn(name);
  points = spread(points, most);
  await fillPool(points.filter(([scenario]) => scenario === cancelled).length);
  const subjects = points.map(([scenario, point]) => new Subject(scenario, point));
  return Array.from({ length: Math.ceil(subjects.length / width) }, (_, i) =>
    subjects.slice(i * width, (i + 1) * width),
  );
}

/** At most so many of all, the first and the last among them. */
const spread = <Item>(all: readonly Item[], count: number): Item[] =>
  all.length <= count
    ? [...all]
    : Array.from({ length: count }, (_, i) => all[Math.round((i * (all.length - 1)) / (count - 1))]!);

/**
 * Lets each stop at its point. The other process of orders stands still, as it might take them over. Returns how many
 * have stopped.
 */
async function stopAll(victim: Name, subjects: readonly Subject[]): Promise<number> {
  running.get('orders-2')!.signal('SIGSTOP');
  await arm(victim);
  const hasStopped = ({ requestId }: Subject) =>
    running.get(victim)!.stdout.includes(`stopped ${requestId}\n`);
  await eachOf(subjects, async (subject) => {
    void subject.act('orders', subject.requestId);
    // Not all orders send the same calls: leases are renewed, and events of several are relayed together. One that has
    // not come to its point after 5 s is killed wherever it is.
    for (let i = 1; i <= 100 && !hasStopped(subject); i++) {
      if (i % 10 === 0 && (await subject.faults()).length === 0) break;
      await sleep(50);
    }
  });
  return subjects.filter(hasStopped).length;
}

/** Numbers from 0 to 1 that a seed determines. */
function randomOf(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/**
 * How many orders of all come to their points depends on how busy the machine is: a slow one renews leases, which are calls,
 * and then has counted points that no order comes to. The first point of each kind of order is always one that it comes to.
 */
const fewestStopped = (all: number): number => (seeds > 1 ? all / 2 : 0);

const figures: string[] = [];
afterAll(() => {
  if (seeds > 1) process.stderr.write(`${figures.join('\n')}\n`);
});

const scenariosOf = (seed: number): Scenario[] =>
  seed === 0 ? short : [...short, others[seed % others.length]!];

it('no task waits for more than 3 s until it is tried again', () => {
  const states = [...readWorkflows(orders).definitions.values()].flatMap(({ States }) =>
    Object.values(States),
  );
  const retriers = states.flatMap((state) => (state.Type === 'Task' ? (state.Retry ?? []) : []));
  const longest = retriers.map(({ IntervalSeconds, BackoffRate, MaxAttempts, MaxDelaySeconds = Infinity }) =>
    Math.min(IntervalSeconds * BackoffRate ** (MaxAttempts - 1), MaxDelaySeconds),
  );
  expect(Math.max(...longest)).toBe(3);
});

it('orders end, and all is balanced, when another process takes them over and the first one then goes on', async () => {
  let [stopped, all] = [0, 0];
  for (let seed = 0; seed < seeds; seed++) {
    for (const subjects of await subjectsFor('orders', scenariosOf(seed))) {
      stopped += await stopAll('orders', subjects);
      all += subjects.length;
      await goOn('orders-2');
      await eachOf(subjects, (subject) => subject.repeat('orders-2'));
      const took = await expectEnds(subjects);
      await goOn('orders');
      await sleep(500);
      await expectEnds(subjects);
      figures.push(`taken over, seed ${seed}: ${subjects.length} points, ${Math.round(took)} ms`);
    }
  }
  expect(stopped).toBeGreaterThan(fewestStopped(all));
  expect(await faultsOfAll(services)).toEqual([]);
});

it.each(['orders', 'inventory', 'payments'] as const)(
  'orders end, and all is balanced, when %s is killed, and is started again',
  async (victim) => {
    let [stopped, all] = [0, 0];
    for (let seed = 0; seed < seeds; seed++) {
      const random = randomOf(seed);
      for (const subjects of await subjectsFor(victim, scenariosOf(seed))) {
        stopped += await stopAll(victim, subjects);
        all += subjects.length;
        await kill(victim);
        if (seed > 0) await sleep(2000 * random());
        await start(victim);
        await goOn('orders-2');
        // Clients that had no answer repeat their mutations, maybe at another process.
        const [took] = await Promise.all([
          expectEnds(subjects),
          eachOf(subjects, (subject) => subject.repeat(random() < 0.5 ? 'orders' : 'orders-2')),
        ]);
        figures.push(`${victim} killed, seed ${seed}: ${subjects.length} points, ${Math.round(took)} ms`);
      }
    }
    expect(stopped).toBeGreaterThan(fewestStopped(all));
    expect(await faultsOfAll(services)).toEqual([]);
  },
);
