/**
 * Consumers and projections as real processes that are killed: at each write, by an event, and while one is rebuilt. Over 300
 * lines: all of them run beside one database and one service.
 */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import { popularity } from '../../subgraphs/history/popularity';
import { orderHistory } from '../../subgraphs/history/order-history';
import {
  defineSubgraph,
  defineTable,
  openEmbeddedDynamoDB,
  startSubgraph,
  totalOf,
  type EmbeddedDynamoDB,
  type NewEvent,
  type RunningSubgraph,
  type WithOutbox,
} from '../../kit';
import { atLeast } from '../../kit/table/condition';
import { consumersTable } from '../../kit/events/consumers/consumers-table';
import { openSubgraphConsumers } from '../../kit/events/consumers/subgraph-consumers';
import { OrderCancelled, OrderPlaced, OrderStatusChanged } from '../../subgraphs/orders/events';
import { amountOf, timeFor } from '../support/amounts';
import { bundle } from '../support/bundled';
import { notesTable } from '../support/killed-consumers';
import { endAll, eventually, startProcess, type WeirProcess } from '../support/process';
import { openDatabaseOn, temporaryFolder } from '../support/subgraph-kit';

/** How often consumers and projections are killed at each of their writes. */
const seeds = amountOf('WEIR_KILLED_CONSUMERS', 1, 20);
/** Of the writes, each of which is the last one of a process. */
const step = amountOf('WEIR_KILL_STEP', 2, 1);
jest.setTimeout(timeFor(seeds, 1));

interface ToldOrder extends WithOutbox {
  readonly id: string;
}
const toldTable = defineTable<ToldOrder>()({ name: 'told', partitionKey: 'id', outbox: true });

const root = join(__dirname, '../..');
const folder = temporaryFolder();
const file = join(folder.path, 'index.js');
let dynamodb: EmbeddedDynamoDB;
let stopDatabase: () => Promise<void>;
let client: Awaited<ReturnType<typeof openDatabaseOn>>['client'];
/** Tells events as orders does: with its outbox, relay, log and stream. */
let orders: RunningSubgraph;

beforeAll(async () => {
  bundle(file, {
    stdin: {
      resolveDir: root,
      contents: `import { runConsumersProcess } from './test/support/killed-consumers';
        runConsumersProcess();`,
    },
  });
  dynamodb = await openEmbeddedDynamoDB();
  const schema = folder.write('orders.graphql', 'type Query { one: Int }');
  orders = await startSubgraph(
    defineSubgraph({ name: 'orders', schema, resolvers: {}, tables: [toldTable] }),
    settings(),
  );
  const opened = await openDatabaseOn(
    settings().database,
    ...[notesTable, consumersTable('history'), orderHistory.table(1), popularity.table(1)],
  );
  stopDatabase = opened.stop;
  ({ client } = opened);
});
afterEach(() => endAll());
afterAll(async () => {
  await orders.stop();
  await stopDatabase();
  await dynamodb.stop();
  folder.remove();
});

const settings = () =>
  ({
    port: 0,
    database: { kind: 'endpoint', endpoint: dynamodb.endpoint },
    logLevel: 'silent',
  }) as const;

/** Starts the consumers as a process of their own. */
function startVictim(env: Record<string, string> = {}, ordersUrl = orders.url): WeirProcess {
  const preloaded = ['die-at.cjs', 'shifted-clock.cjs'].flatMap((each) => [
    '-r',
    join(root, 'test/support', each),
  ]);
  return startProcess([...preloaded, file, dynamodb.endpoint, ordersUrl], { CLOCK_AHEAD: '0', ...env });
}

/** The time of the leases of dead processes is over, without waiting for it. */
async function endLeases(): Promise<void> {
  const table = orders.db.table(consumersTable('history'));
  const generations = [1, 2, 3].flatMap((each) => [`order-history@${each}`, `popularity@${each}`]);
  for (const consumer of ['note-order', ...generations])
    await table.update({ consumer, item: 'state' }, { set: { lease: 1 }, condition: { lease: atLeast(1) } });
}

/** What was told of each order. */
const told = new Map<string, NewEvent[]>();
async function tell(id: string, ...events: readonly NewEvent[]): Promise<void> {
  await orders.db.table(toldTable).update({ id }, { upsert: true, events });
  told.set(id, [...(told.get(id) ?? []), ...events]);
}
const placing = (upc: string, quantity: number, buyerId = 'u1') =>
  OrderPlaced.create({ buyerId, lines: [{ upc, quantity }], total: 1 });
const cancelling = (upc: string, quantity: number) =>
  OrderCancelled.create({ buyerId: 'u1', lines: [{ upc, quantity }] });
const shipping = OrderStatusChanged.create({ buyerId: 'u1', status: 'SHIPPED' });

const statusOf: Readonly<Record<string, string>> = {
  OrderPlaced: 'PLACED',
  OrderCancelled: 'CANCELLED',
  OrderStatusChanged: 'SHIPPED',
};

/** What the consumer and the projections have of some orders and products, in the live generations or in others. */
async function found(ids: readonly string[], upcs: readonly string[], generation = 1) {
  const { db } = orders;
  const notes = await Promise.all(ids.map((orderId) => db.table(notesTable).get({ orderId })));
  const documents = db.table(orderHistory.table(generation));
  const histories = await Promise.all(ids.map((key) => documents.get({ key })));
  const totals = db.table(popularity.table(generation));
  const counts = await Promise.all(upcs.map((upc) => totals.get(totalOf(upc))));
  return {
    notes: notes.map((note) => note?.sequences),
    histories: histories.map((order) => order?.state?.changes.map(({ status }) => status)),
    popularity: counts.map((each) => ({ counted: each?.counted, pieces: each?.total?.pieceCount })),
  };
}

/** What they should have. */
function expected(ids: readonly string[], upcs: readonly string[]): Awaited<ReturnType<typeof found>> {
  const purchases = [...told.values()].flat().flatMap(({ type, data }) => {
    const { lines = [] } = data as { lines?: { upc: string; quantity: number }[] };
    return lines.map(({ upc, quantity }) => ({ upc, pieces: type === 'OrderPlaced' ? quantity : -quantity }));
  });
  return {
    notes: ids.map((id) => told.get(id)!.map((_, i) => i + 1)),
    histories: ids.map((id) => told.get(id)!.map(({ type }) => statusOf[type]!)) as never,
    popularity: upcs.map((upc) => {
      const ofProduct = purchases.filter((each) => each.upc === upc);
      return { counted: ofProduct.length, pieces: ofProduct.reduce((sum, { pieces }) => sum + pieces, 0) };
    }),
  };
}

const areApplied = async (...what: Parameters<typeof found>): Promise<boolean> =>
  isDeepStrictEqual(await found(...what), expected(what[0], what[1]));

async function failures(): Promise<{ consumer: string; reason: string; text: string }[]> {
  const table = orders.db.table(consumersTable('history'));
  const sort = { beginsWith: 'failed#' };
  const consumers = ['note-order', 'order-history@1', 'popularity@1'];
  const all = await Promise.all(consumers.map((partition) => table.query({ partition, sort })));
  return all.flat() as never;
}

it('handles each event in order and counts it once, whichever write of a process is its last', async () => {
  const isLong = seeds > 1;
  for (let seed = 0; seed < seeds; seed++) {
    const upc = `seed-${seed}`;
    const ids: string[] = [];
    const areAllApplied = () => areApplied(ids, [upc]);
    /** Lets a process, or two, die at a write; that of the next round goes on. False if it needs fewer writes. */
    async function dies(last: number, from: 'start' | 'signal'): Promise<boolean> {
      const id = `${upc}-${from}-${last}`;
      const isFromStart = from === 'start';
      if (isFromStart) await tell(id, placing(upc, 1 + (seed % 3)), shipping);
      const env = { DIE_OF: 'writes', DIE_AT: String(last), DIE_FROM: from };
      const victims = Array.from({ length: isLong && last % 4 === 0 ? 2 : 1 }, () => startVictim(env));
      if (!isFromStart) {
        await Promise.all(victims.map((victim) => victim.printed(/ready/)));
        await eventually(areAllApplied, 60_000);
        for (const victim of victims) victim.signal('SIGUSR2');
        await Promise.all(victims.map((victim) => victim.printed(/counting/)));
        await tell(id, placing(upc, 1 + (seed % 3)));
        if (isLong) await tell(id, cancelling(upc, 1));
      }
      ids.push(id);
      let areDead = false;
      const ended = Promise.all(victims.map(({ exit }) => exit)).finally(() => (areDead = true));
      let isOver = false;
      await eventually(async () => areDead || (isOver = await areAllApplied()), 60_000);
      // Where there is time, they die while they stop, too.
      for (const victim of victims) victim.signal(isLong ? 'SIGTERM' : 'SIGKILL');
      const [code] = await ended;
      await endLeases();
      return isLong ? code !== 0 : !isOver;
    }
    for (let last = 1; last <= 3; last += step) expect(await dies(last, 'start')).toBe(true);
    let writes = 1;
    while (await dies(writes, 'signal')) writes += step;
    expect(writes).toBeGreaterThan(7);
    expect(await found(ids, [upc])).toEqual(expected(ids, [upc]));
    expect(await failures()).toEqual([]);
  }
});

it('puts an event that ends its process each time into the failure queue, and goes on with the others', async () => {
  await tell('poison', placing('poison', 1, 'exit'), shipping);
  await tell('other', placing('poison', 1));
  let deaths = 0;
  /** Starts a process, and resolves with whether the event has ended it. */
  async function dies(): Promise<boolean> {
    const victim = startVictim({ TRIES: '2' });
    const end = { isDead: false };
    void victim.exit.then(() => (end.isDead = true));
    await eventually(async () => end.isDead || (await failures()).length > 0, 60_000);
    const { isDead } = end;
    if (!isDead)
      await eventually(async () => {
        const { notes, popularity: counts } = await found(['poison', 'other'], ['poison']);
        return notes.every(Boolean) && counts[0]!.counted === 2;
      });
    victim.signal('SIGKILL');
    await victim.exit;
    await endLeases();
    return isDead;
  }
  while (await dies()) deaths++;
  // Tries are written down before they are made where the process before has died: then the first one is not counted.
  expect([2, 3]).toContain(deaths);
  expect((await found(['poison', 'other'], [])).notes).toEqual([[2], [1]]);
  const [failure, ...more] = await failures();
  expect(more).toEqual([]);
  expect(failure).toMatchObject({
    consumer: 'note-order',
    attempts: 2,
    reason: 'It was tried 2 times, and the process ended the last time.',
  });
  expect(JSON.parse(failure!.text)).toMatchObject({ subject: 'poison', type: 'OrderPlaced' });
  // The projections have counted it, and the other one, once.
  expect((await found(['poison', 'other'], ['poison'])).popularity).toEqual([{ counted: 2, pieces: 2 }]);
});

it('goes on where a process was killed whose clock was ahead, beside one whose clock is wrong', async () => {
  const ids = ['clock-1', 'clock-2'];
  await tell(ids[0]!, placing('clock', 1));
  const ahead = startVictim({ CLOCK_AHEAD: '50000' });
  await eventually(() => areApplied([ids[0]!], ['clock']), 60_000);
  ahead.signal('SIGKILL');
  await ahead.exit;
  await tell(ids[1]!, placing('clock', 1));
  const wrong = startVictim({ CLOCK_AHEAD: '-600000' });
  await wrong.printed(/ready/);
  const right = startVictim();
  await right.printed(/ready/);
  const begin = performance.now();
  await eventually(() => areApplied(ids, ['clock']), 60_000);
  expect(performance.now() - begin).toBeLessThan(30_000);
  for (const victim of [right, wrong]) victim.signal('SIGKILL');
  await Promise.all([right.exit, wrong.exit]);
  await endLeases();
});

it('rebuilds a read model twice to the same bytes, killed in the middle while events come', async () => {
  const ids = Array.from({ length: 6 }, (_, i) => `rebuilt-${i}`);
  const upc = 'rebuilt';
  for (const id of ids.slice(0, 3)) await tell(id, placing(upc, 2), shipping);
  const operator = openSubgraphConsumers({
    subgraph: { name: 'history', consumers: [], projections: [orderHistory, popularity] },
    db: orders.db,
    client,
    seed: false,
    workflowsOf: () => undefined as never,
    options: { ordersUrl: orders.url },
    linkKeys: undefined,
    log: pino({ level: 'silent' }),
  });
  const { projections } = operator;
  await projections.prepare(new AbortController().signal);
  const areLive = async (generation: number) =>
    (await projections.statuses()).every(({ live, building }) => live === generation && building === null);
  const rebuild = async () => {
    for (const { name } of [orderHistory, popularity])
      expect(await projections.rebuild(name, undefined)).toBe(true);
  };
  await rebuild();
  const victim = startVictim({ DIE_OF: 'writes', DIE_AT: '12', DIE_FROM: 'start' });
  for (const id of ids.slice(3)) await tell(id, placing(upc, 1), cancelling(upc, 1));
  expect(await victim.exit).not.toBe(0);
  expect(await areLive(2)).toBe(false);
  await endLeases();

  const next = startVictim();
  await eventually(() => areLive(2), 60_000);
  await eventually(() => areApplied(ids, [upc], 2), 60_000);
  await rebuild();
  await eventually(() => areLive(3), 60_000);
  await eventually(() => areApplied(ids, [upc], 3), 60_000);
  next.signal('SIGTERM');
  expect(await next.exit).toBe(0);
  for (const projection of [orderHistory, popularity])
    expect(await contents(projection.table(3).name)).toEqual(await contents(projection.table(2).name));
});

/** All items of a table. */
async function contents(TableName: string): Promise<string[]> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName }));
  return Items.map((item) => JSON.stringify(item)).sort();
}
