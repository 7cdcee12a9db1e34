import { SubgraphError, type Database, type Workflows } from '../../kit';
import { answerMilliseconds } from './place-order';
import { ordersTable, type Order } from './table';

export interface CancelOrderScope {
  readonly db: Database;
  readonly workflows: Workflows;
}

/**
 * Cancels a placed order by the workflow `cancel-order`: it is marked first, so that nobody ships it, then the payment
 * is refunded, the stock given back and the shipment withdrawn. A repeat finds the same execution. Throws `CONFLICT` for
 * an order that is not placed yet, was refused, or has left the warehouse.
 */
export async function cancelOrder(order: Order, { db, workflows }: CancelOrderScope): Promise<Order> {
  const { id, status } = order;
  if (status !== 'PLACED' && status !== 'CANCELLED') throw notCancelled(order);
  if (status === 'CANCELLED' && order.refusal) return order;
  await workflows.start('cancel-order', id, { orderId: id });
  await workflows.wait('cancel-order', id, { milliseconds: answerMilliseconds });
  const current = (await db.table(ordersTable).get({ id }, { consistent: true }))!;
  // Not marked yet: the workflow goes on, and the order is CANCELLED soon unless it was shipped at this moment.
  if (current.status === 'CANCELLED' || current.status === 'PLACED') return current;
  throw notCancelled(current);
}

function notCancelled({ id, status }: Order): SubgraphError {
  return new SubgraphError(
    'CONFLICT',
    `The order "${id}" is ${status}; only a PLACED order can be cancelled.`,
  );
}
