import { popularity } from '../../../../subgraphs/history/popularity';
import { totalOf, type DomainEvent } from '../../../../kit';
import { orderEvent, placed } from '../../../support/order-events';
import { openTestDatabase } from '../../../support/subgraph-kit';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  database = await openTestDatabase(popularity.table(1));
});
afterAll(() => database.stop());

const apply = async (...events: readonly DomainEvent[]) => {
  for (const event of events) await popularity.apply(event, { db: database.db, generation: 1 });
};
const total = async (upc: string) =>
  (await database.db.table(popularity.table(1)).get(totalOf(upc), { consistent: true }))?.total;
const cancelled = (order: string, lines: readonly object[]) =>
  orderEvent('OrderCancelled', order, 2, { buyerId: 'u1', lines });

it('counts the orders and pieces of each product, and since when', async () => {
  const both = [
    { upc: 'a', quantity: 2 },
    { upc: 'b', quantity: 1 },
  ];
  await apply(placed('o2', 3, [{ upc: 'a', quantity: 3 }]), placed('o1', 1, both));
  expect(await total('a')).toEqual({ orderCount: 2, pieceCount: 5, since: '2026-01-01T12:01:00.000Z' });
  expect(await total('b')).toMatchObject({ orderCount: 1, pieceCount: 1 });
});

it('takes back what was cancelled', async () => {
  const lines = [{ upc: 'c', quantity: 2 }];
  await apply(placed('o3', 1, lines), placed('o4', 1, lines), cancelled('o3', lines));
  expect(await total('c')).toMatchObject({ orderCount: 1, pieceCount: 2 });
});

it('counts nothing of a cancellation that comes alone', async () => {
  await apply(cancelled('o5', [{ upc: 'd', quantity: 2 }]));
  expect(await total('d')).toEqual({ orderCount: 0, pieceCount: 0, since: null });
});
