import { z } from 'zod';
import { type EventOf } from '../kit';

const lines = z.array(z.object({ upc: z.string(), quantity: z.int() }));

const OrderPlaced = { 1: z.object({ buyerId: z.string(), lines }) };
const OrderCancelled = { 1: z.object({ buyerId: z.string(), lines }) };
const OrderRefused = { 1: z.object({ buyerId: z.string() }) };
const OrderStatusChanged = {
  1: z.object({ buyerId: z.string(), status: z.enum(['SHIPPED', 'DELIVERED']) }),
};

/** What an order history needs of the events of `orders`: no more, so that `orders` may change the rest. */
export const recordedEvents = { orders: { OrderPlaced, OrderCancelled, OrderRefused, OrderStatusChanged } };
export type RecordedEvent = EventOf<typeof recordedEvents>;

/** What the popularity of products needs of them. */
export const countedEvents = { orders: { OrderPlaced, OrderCancelled } };
export type CountedEvent = EventOf<typeof countedEvents>;
