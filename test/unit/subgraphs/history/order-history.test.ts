import { orderHistory } from '../../../../subgraphs/history/order-history';
import { type DomainEvent } from '../../../../kit';
import { orderEvent, placed } from '../../../support/order-events';
import { openTestDatabase } from '../../../support/subgraph-kit';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
const table = orderHistory.table(1);
beforeAll(async () => {
  database = await openTestDatabase(table);
});
afterAll(() => database.stop());

const apply = async (...events: readonly DomainEvent[]) => {
  for (const event of events) await orderHistory.apply(event, { db: database.db, generation: 1 });
};
const record = async (id: string) => (await database.db.table(table).get({ key: id }))?.state;

const lines = [{ upc: 'p1', quantity: 2 }];
const at = (minute: number) => `2026-01-01T12:0${minute}:00.000Z`;

it('has the lines of an order, and each change with its time', async () => {
  await apply(
    placed('o1', 1, lines),
    orderEvent('OrderStatusChanged', 'o1', 2, { buyerId: 'u1', status: 'SHIPPED' }),
    orderEvent('OrderStatusChanged', 'o1', 3, { buyerId: 'u1', status: 'DELIVERED' }),
  );
  expect(await record('o1')).toEqual({
    buyerId: 'u1',
    lines,
    changes: [
      { status: 'PLACED', at: at(1) },
      { status: 'SHIPPED', at: at(2) },
      { status: 'DELIVERED', at: at(3) },
    ],
  });
});

it('keeps the lines of an order that is cancelled', async () => {
  await apply(placed('o2', 1, lines), orderEvent('OrderCancelled', 'o2', 2, { buyerId: 'u1', lines }));
  expect(await record('o2')).toMatchObject({ lines, changes: [{}, { status: 'CANCELLED', at: at(2) }] });
});

it('has no lines where no event told them', async () => {
  await apply(orderEvent('OrderRefused', 'o3', 1, { buyerId: 'u1', code: 'OUT_OF_STOCK' }));
  expect(await record('o3')).toEqual({ buyerId: 'u1', changes: [{ status: 'REFUSED', at: at(1) }] });
});

it('lists the orders of a buyer by the time when they began', async () => {
  await apply(placed('late', 2, lines, 'u2'), placed('early', 1, lines, 'u2'));
  await apply(orderEvent('OrderStatusChanged', 'early', 3, { buyerId: 'u2', status: 'SHIPPED' }));
  const listed = await database.db.table(table).query({ index: 'byList', partition: 'u2' });
  expect(listed.map(({ key }) => key)).toEqual(['early', 'late']);
});
