import { SubgraphError, type Database } from '../../kit';
import { OrderStatusChanged } from './events';
import { ordersTable, type Order } from './table';

export interface AdvanceOrderArgs {
  readonly id: string;
  readonly from: Order['status'];
}

const next: { readonly [Status in Order['status']]?: 'SHIPPED' | 'DELIVERED' } = {
  PLACED: 'SHIPPED',
  SHIPPED: 'DELIVERED',
};

/** Gives an order its next status. A repeat changes nothing. */
export async function advanceOrder({ id, from }: AdvanceOrderArgs, db: Database): Promise<Order> {
  const orders = db.table(ordersTable);
  const status = next[from];
  const before = await orders.get({ id }, { consistent: true });
  if (!before) throw new SubgraphError('NOT_FOUND', `There is no order "${id}".`);
  const advanced =
    status &&
    (await orders.update(
      { id },
      {
        set: { status },
        condition: { status: from },
        events: [OrderStatusChanged.create({ buyerId: before.buyerId, status })],
      },
    ));
  const order = advanced ?? (await orders.get({ id }, { consistent: true }))!;
  if (order.status === (status ?? 'DELIVERED')) return order;
  throw new SubgraphError(
    'CONFLICT',
    `The order "${id}" is ${order.status}, so it cannot be advanced from ${from}.`,
  );
}
