import fc from 'fast-check';
import { type RecordedEvent } from '../../../../subgraphs/history/events';
import { addToRecord, recordEvent } from '../../../../subgraphs/history/order-history';
import { recordedOrdersTable, type RecordedOrder } from '../../../../subgraphs/history/table';
import { orderEvent, placed } from '../../../support/order-events';
import { openTestDatabase } from '../../../support/subgraph-kit';

const story = [
  placed('o1', 1, [{ upc: 'p1', quantity: 2 }]),
  orderEvent('OrderStatusChanged', 'o1', 2, { buyerId: 'u1', status: 'SHIPPED' }),
  orderEvent('OrderStatusChanged', 'o1', 3, { buyerId: 'u1', status: 'DELIVERED' }),
];
const recordOf = (events: readonly RecordedEvent[]) =>
  events.reduce<RecordedOrder | null>((record, event) => addToRecord(record, event), null);

describe('the record of an order', () => {
  it('has its lines, and each change with its time', () => {
    expect(recordOf(story)).toEqual({
      id: 'o1',
      buyerId: 'u1',
      startedAt: story[0]!.time,
      lines: [{ upc: 'p1', quantity: 2 }],
      changes: [
        { sequence: 1, status: 'PLACED', at: story[0]!.time },
        { sequence: 2, status: 'SHIPPED', at: story[1]!.time },
        { sequence: 3, status: 'DELIVERED', at: story[2]!.time },
      ],
      changeCount: 3,
    });
  });

  it('has the lines of an order whose cancellation is all that was heard', () => {
    const lines = [{ upc: 'p1', quantity: 1 }];
    const record = recordOf([orderEvent('OrderCancelled', 'o1', 2, { buyerId: 'u1', lines })]);
    expect(record).toMatchObject({ lines, changes: [{ status: 'CANCELLED' }] });
  });

  it('has no lines where no event told them', () => {
    expect(recordOf([orderEvent('OrderRefused', 'o1', 1, { buyerId: 'u1' })])).not.toHaveProperty('lines');
  });

  it('is the same in whatever order the events come, and however often', () => {
    const whole = recordOf(story);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...story), { maxLength: 6 }), (some) => {
        expect(recordOf([...some, ...story])).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });
});

it('writes each event once where processes write at once', async () => {
  const { db, stop } = await openTestDatabase(recordedOrdersTable);
  try {
    await Promise.all([...story, ...story].map((event) => recordEvent(event, db)));
    const table = db.table(recordedOrdersTable);
    expect(await table.get({ id: 'o1' }, { consistent: true })).toEqual(recordOf(story));
    expect(await table.query({ index: 'byBuyer', partition: 'u1' })).toHaveLength(1);
  } finally {
    await stop();
  }
});
