import { missing, type Database } from '../kit';
import { type CountedEvent } from './events';
import { popularityTable, type PopularityItem, type PopularityTotal } from './table';

/** What an event adds to the popularity of a product. */
export interface Purchase {
  readonly upc: string;
  readonly orders: number;
  readonly pieces: number;
}

/** An order that was cancelled takes back what it had added. */
export function purchasesOf(event: CountedEvent): Purchase[] {
  const sign = event.type === 'OrderPlaced' ? 1 : -1;
  return event.data.lines.map(({ upc, quantity }) => ({ upc, orders: sign, pieces: sign * quantity }));
}

/** Counts an event for each product that it names: once, however often and in however many processes it is called. */
export async function countPurchases(event: CountedEvent, db: Database): Promise<void> {
  for (const purchase of purchasesOf(event)) await countOnce(purchase, event, db);
}

/**
 * There are no transactions, so an event cannot be marked as counted by the write that adds it to the total. But the
 * total names the event that was added last, and nothing is added before that one has its mark. So an event is in a
 * total that was read if it is the last one, or has its mark.
 */
async function countOnce(purchase: Purchase, event: CountedEvent, db: Database): Promise<void> {
  const { upc, orders, pieces } = purchase;
  const table = db.table(popularityTable);
  const item = `event#${event.subject}#${event.sequence}`;
  for (;;) {
    const total = (await table.get({ upc, item: 'total' }, { consistent: true })) as PopularityTotal | null;
    // The mark is read after the total, in which each event but the last one had its mark already.
    if (total?.last === item || (await table.get({ upc, item }, { consistent: true }))) return;
    if (total) await table.create({ upc, item: total.last, isCounted: true });
    const since = orders < 0 || (total?.since && total.since < event.time) ? total?.since : event.time;
    const next: PopularityItem = {
      ...{ upc, item: 'total', last: item },
      orders: (total?.orders ?? 0) + orders,
      pieces: (total?.pieces ?? 0) + pieces,
      ...(since !== undefined && { since }),
    };
    if (await table.put(next, { condition: total ? { last: total.last } : { upc: missing } })) return;
  }
}
