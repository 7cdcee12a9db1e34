import { z } from 'zod';
import { defineEvent } from '../kit';

/** An order was placed. Its subject is the order. */
export const OrderPlaced = defineEvent({
  type: 'OrderPlaced',
  data: z.object({
    buyerId: z.string(),
    lines: z.array(z.object({ upc: z.string(), quantity: z.int() })),
  }),
});
