import { missing, type Database } from '../kit';
import { type RecordedEvent } from './events';
import { recordedOrdersTable, type OrderChange, type RecordedOrder } from './table';

/**
 * The record of an order with one more event; the same record when it has the event already. Events may come in any
 * order, as one that waits in the failure queue lets later ones pass.
 */
export function addToRecord(record: RecordedOrder | null, event: RecordedEvent): RecordedOrder {
  const { subject: id, sequence, time: at, data } = event;
  const known = record?.changes ?? [];
  if (record && known.some((change) => change.sequence === sequence)) return record;
  const changes = [...known, { sequence, status: statusAfter(event), at }].sort(
    (a, b) => a.sequence - b.sequence,
  );
  const lines = 'lines' in data ? data.lines : record?.lines;
  return {
    ...{ id, buyerId: data.buyerId, startedAt: changes[0]!.at, changes, changeCount: changes.length },
    ...(lines && { lines }),
  };
}

function statusAfter(event: RecordedEvent): OrderChange['status'] {
  switch (event.type) {
    case 'OrderPlaced':
      return 'PLACED';
    case 'OrderRefused':
      return 'REFUSED';
    case 'OrderCancelled':
      return 'CANCELLED';
    case 'OrderStatusChanged':
      return event.data.status;
    default:
      return event satisfies never;
  }
}

/** Writes an event into the record of its order: once, however often and in however many processes it is called. */
export async function recordEvent(event: RecordedEvent, db: Database): Promise<void> {
  const table = db.table(recordedOrdersTable);
  for (;;) {
    const record = await table.get({ id: event.subject }, { consistent: true });
    const next = addToRecord(record, event);
    const condition = record ? { changeCount: record.changeCount } : { id: missing };
    if (next === record || (await table.put(next, { condition }))) return;
  }
}
