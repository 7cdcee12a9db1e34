import { type RequestScope } from '../kit';
import { type Order } from './table';

/** The type of the event for subscribers. Its key is the order's id, and its data the whole order. */
export const orderChanged = 'OrderChanged';

/** Tells the subscribers of an order that it has changed. */
export const publishOrder = (order: Order, { events }: Pick<RequestScope, 'events'>): Promise<void> =>
  events.publish({ type: orderChanged, key: order.id, data: order });
