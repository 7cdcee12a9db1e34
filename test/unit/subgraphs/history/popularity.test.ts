import fc from 'fast-check';
import { type CountedEvent } from '../../../../subgraphs/history/events';
import { countPurchases } from '../../../../subgraphs/history/popularity';
import { popularityTable, type PopularityTotal } from '../../../../subgraphs/history/table';
import { type Database } from '../../../../subgraphs/kit';
import { amountOf } from '../../../support/amounts';
import { orderEvent, placed } from '../../../support/order-events';
import { openTestDatabase } from '../../../support/subgraph-kit';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let products = 0;
/** A product of its own for each test. */
let upc: string;

beforeAll(async () => {
  database = await openTestDatabase(popularityTable);
});
beforeEach(() => {
  upc = `p${products++}`;
});
afterAll(() => database.stop());

const total = (of = upc) =>
  database.db
    .table(popularityTable)
    .get({ upc: of, item: 'total' }, { consistent: true }) as Promise<PopularityTotal | null>;
const place = (order: string, quantity = 1): CountedEvent => placed(order, 1, [{ upc, quantity }]);
const cancel = (order: string, quantity = 1): CountedEvent =>
  orderEvent('OrderCancelled', order, 2, { buyerId: 'u1', lines: [{ upc, quantity }] });

it('counts the orders and pieces of each product of an order', async () => {
  await countPurchases(
    placed('o1', 1, [
      { upc, quantity: 2 },
      { upc: `other than ${upc}`, quantity: 1 },
    ]),
    database.db,
  );
  await countPurchases(place('o2', 3), database.db);
  expect(await total()).toMatchObject({ orders: 2, pieces: 5, since: '2026-01-01T12:01:00.000Z' });
  expect(await total(`other than ${upc}`)).toMatchObject({ orders: 1, pieces: 1 });
});

it('takes back what was cancelled, whichever event comes first', async () => {
  const events = [cancel('o1', 2), place('o2'), place('o1', 2)];
  for (const event of events) await countPurchases(event, database.db);
  expect(await total()).toMatchObject({ orders: 1, pieces: 1 });
});

it('writes nothing when the same events come again', async () => {
  const events = [place('o1'), place('o2', 2), cancel('o1')];
  for (const event of events) await countPurchases(event, database.db);
  const bytes = async () =>
    JSON.stringify(await database.db.table(popularityTable).query({ partition: upc }));
  const before = await bytes();
  for (const event of events) await countPurchases(event, database.db);
  expect(await bytes()).toBe(before);
});

it('counts each event once, where many processes count at once and die at any write', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(6), { minLength: 2, maxLength: 4 }), async (deaths) => {
      upc = `p${products++}`;
      const events = ['o1', 'o2', 'o3'].map((order) => place(order, 2));
      // Each process dies after so many commands; then all events are counted by one that lives.
      await Promise.all(
        deaths.map((commands) => {
          const db = dyingAfter(commands, database.db);
          return Promise.all(events.map((event) => countPurchases(event, db).catch(() => undefined)));
        }),
      );
      for (const event of events) await countPurchases(event, database.db);
      expect(await total()).toMatchObject({ orders: 3, pieces: 6 });
    }),
    { numRuns: amountOf('WEIR_COUNTED_RUNS', 4, 100) },
  );
});

/** A database whose commands fail after some, before they are sent or after. */
function dyingAfter(commands: number, db: Database): Database {
  let left = commands;
  const table: Database['table'] = (definition) => {
    const real = db.table(definition);
    const limited = (name: 'get' | 'put' | 'create') =>
      (async (...args: never[]) => {
        if (left-- <= 0) throw new Error('dead');
        const result = await (real[name] as (...args: never[]) => Promise<unknown>)(...args);
        if (left <= 0 && name !== 'get') throw new Error('dead after the write');
        return result;
      }) as never;
    return { ...real, get: limited('get'), put: limited('put'), create: limited('create') };
  };
  return { ...db, table };
}
