import { z } from 'zod';
import { defineProjection, type EventOf } from '../../kit';

/** What the events of an order contain. */
export interface RecordedOrder {
  readonly buyerId: string;
  /** Missing where no event has them. */
  readonly lines?: readonly { readonly upc: string; readonly quantity: number }[];
  /** In their order; at least one. */
  readonly changes: readonly OrderChange[];
}

export interface OrderChange {
  readonly status: 'PLACED' | 'REFUSED' | 'CANCELLED' | 'SHIPPED' | 'DELIVERED';
  /** ISO 8601, UTC. */
  readonly at: string;
}

const lines = z.array(z.object({ upc: z.string(), quantity: z.int() }));
/** No more than is needed of the events of `orders`, so that `orders` may change the rest. */
const from = {
  orders: {
    OrderPlaced: { 1: z.object({ buyerId: z.string(), lines }) },
    OrderRefused: { 1: z.object({ buyerId: z.string() }) },
    OrderCancelled: { 1: z.object({ buyerId: z.string(), lines }) },
    OrderStatusChanged: { 1: z.object({ buyerId: z.string(), status: z.enum(['SHIPPED', 'DELIVERED']) }) },
  },
};
type OrderEvent = EventOf<typeof from>;

/** A record of each order, by its id; those of a buyer in a list, by the time of their first change. */
export const orderHistory = defineProjection({
  name: 'order-history',
  from,
  apply(order: RecordedOrder | undefined, event) {
    const { data, time } = event;
    const known = 'lines' in data ? data.lines : order?.lines;
    return {
      buyerId: data.buyerId,
      ...(known && { lines: known }),
      changes: [...(order?.changes ?? []), { status: statusAfter(event), at: time }],
    };
  },
  list: ({ buyerId, changes }) => ({ list: buyerId, sort: changes[0]!.at }),
});

function statusAfter(event: OrderEvent): OrderChange['status'] {
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
