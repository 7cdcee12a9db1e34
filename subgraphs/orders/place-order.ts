import { createOnce, idOf, type Database, type Identity, type RequestScope } from '../kit';
import { takeOutOfCart } from './cart';
import { OrderPlaced } from './events';
import { readPlaceOrder, type PlaceOrderInput } from './input';
import { type Inventory } from './inventory';
import { ordersTable, type Order } from './table';

export interface PlaceOrderArgs {
  readonly input: PlaceOrderInput;
  readonly idempotencyKey: string;
}

export interface PlaceOrderScope {
  readonly buyer: Identity;
  readonly db: Database;
  readonly inventory: Inventory;
  readonly log: RequestScope['log'];
}

/**
 * Places an order: reserves the stock, then writes the order in one conditional write. If the write fails, the stock is
 * released. The order's id is derived from buyer and idempotency key, and the reservation has the same id. So a
 * repeated request continues where the failed one stopped, or finds the order.
 */
export async function placeOrder(
  { input, idempotencyKey }: PlaceOrderArgs,
  scope: PlaceOrderScope,
): Promise<Order> {
  const { buyer, db, inventory, log } = scope;
  const request = { key: idempotencyKey, scope: buyer.id, input: readPlaceOrder(input) };
  const id = idOf('o', request);
  const { lines, deliveryAddress } = request.input;

  // An existing order already has its stock, and may even be shipped.
  const placed = await db.table(ordersTable).get({ id }, { consistent: true });
  if (!placed) await inventory.reserve(id, lines);

  const { result: order } = await createOnce(
    db.table(ordersTable),
    request,
    {
      id,
      buyerId: buyer.id,
      placedAt: new Date().toISOString(),
      status: 'PLACED',
      lines,
      deliveryAddress,
      isInCart: true,
    },
    { events: [OrderPlaced.create({ buyerId: buyer.id, lines: [...lines] })] },
  ).catch(async (error: unknown) => {
    await releaseUnlessPlaced(id, scope);
    throw error;
  });

  // The order is valid even if clearing the cart fails. A repeated request clears it then.
  if (order.isInCart) {
    await clearCart(order, db).catch((error: unknown) => {
      log.warn({ err: error, orderId: id }, 'what was ordered is still in the cart');
    });
  }
  return order;
}

async function clearCart(order: Order, db: Database): Promise<void> {
  await takeOutOfCart(order, db);
  await db.table(ordersTable).update({ id: order.id }, { remove: ['isInCart'] });
}

/**
 * Releases the stock only if it is certain that there is no order: a write that failed may have been applied
 * nevertheless, here or in a repeat that runs at the same time. Keeping too much stock is better than selling stock
 * that is not there.
 */
async function releaseUnlessPlaced(id: string, { db, inventory, log }: PlaceOrderScope): Promise<void> {
  try {
    if (await db.table(ordersTable).get({ id }, { consistent: true })) return;
    await inventory.release(id);
  } catch (error) {
    log.error({ err: error, orderId: id }, 'stock may be set aside for an order that was not placed');
  }
}
