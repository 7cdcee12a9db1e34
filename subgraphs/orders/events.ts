import { z } from 'zod';
import { defineEvent } from '../../kit';

const lines = z.array(z.object({ upc: z.string(), quantity: z.int() }));

/** An order was placed: stock and payment are there. The subject of each of these events is the order. */
export const OrderPlaced = defineEvent({
  type: 'OrderPlaced',
  data: z.object({
    buyerId: z.string(),
    lines,
    /** In cents of a euro. */
    total: z.int(),
  }),
});

/** An order was refused, and all that was done for it is undone. */
export const OrderRefused = defineEvent({
  type: 'OrderRefused',
  data: z.object({ buyerId: z.string(), code: z.string() }),
});

/** A placed order was cancelled. */
export const OrderCancelled = defineEvent({
  type: 'OrderCancelled',
  data: z.object({ buyerId: z.string(), lines }),
});

/** An order was shipped or delivered. */
export const OrderStatusChanged = defineEvent({
  type: 'OrderStatusChanged',
  data: z.object({ buyerId: z.string(), status: z.enum(['SHIPPED', 'DELIVERED']) }),
});
