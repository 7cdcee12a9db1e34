import { z } from 'zod';
import { defineEvent } from '../../kit';

const data = z.object({
  payerId: z.string(),
  /** In cents of a euro. */
  amount: z.int(),
});

/** An order was paid. The subject of both events is the order. */
export const PaymentTaken = defineEvent({ type: 'PaymentTaken', data });

/** What an order had paid was given back. */
export const PaymentRefunded = defineEvent({ type: 'PaymentRefunded', data });
