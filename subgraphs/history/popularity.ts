import { z } from 'zod';
import { defineTotals } from '../../kit';

/** What an event adds to the popularity of a product. */
export interface Purchase {
  readonly orders: number;
  readonly pieces: number;
  /** The time of the event: ISO 8601, UTC. */
  readonly at: string;
}

const lines = z.array(z.object({ upc: z.string(), quantity: z.int() }));

/** How often each product was ordered, by its UPC. */
export const popularity = defineTotals({
  name: 'popularity',
  from: { orders: { OrderPlaced: { 1: z.object({ lines }) }, OrderCancelled: { 1: z.object({ lines }) } } },
  entries({ type, time: at, data }): { group: string; value: Purchase }[] {
    // An order that was cancelled takes back what it had added.
    const orders = type === 'OrderPlaced' ? 1 : -1;
    return data.lines.map(({ upc, quantity }) => ({
      group: upc,
      value: { orders, pieces: orders * quantity, at },
    }));
  },
  count(purchases: readonly Purchase[]) {
    const times = purchases.filter(({ orders }) => orders > 0).map(({ at }) => at);
    // A cancellation is counted alone while the event of its order is in the failure queue.
    const sum = (of: (purchase: Purchase) => number) =>
      Math.max(
        0,
        purchases.reduce((total, purchase) => total + of(purchase), 0),
      );
    return {
      orderCount: sum(({ orders }) => orders),
      pieceCount: sum(({ pieces }) => pieces),
      since: times.sort()[0] ?? null,
    };
  },
});
