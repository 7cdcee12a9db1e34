import { SubgraphError, type Database } from '../kit';
import { ordersTable, type Order } from './table';

export interface AdvanceOrderArgs {
  readonly id: string;
  readonly from: Order['status'];
}

const next = { PLACED: 'SHIPPED', SHIPPED: 'DELIVERED', DELIVERED: 'DELIVERED' } as const;

/** Gives an order its next status. A repeat changes nothing. */
export async function advanceOrder({ id, from }: AdvanceOrderArgs, db: Database): Promise<Order> {
  const orders = db.table(ordersTable);
  const status = next[from];
  const advanced = await orders.update({ id }, { set: { status }, condition: { status: from } });
  const order = advanced ?? (await orders.get({ id }, { consistent: true }));
  if (!order) throw new SubgraphError('NOT_FOUND', `There is no order "${id}".`);
  if (order.status === status) return order;
  throw new SubgraphError('CONFLICT', `The order "${id}" is ${order.status}, not ${from}.`);
}
