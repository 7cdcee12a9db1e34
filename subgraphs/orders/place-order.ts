import { createOnce, domainEvent, idOf, type Database, type Identity, type RequestScope } from '../kit';
import { takeOutOfCart } from './cart';
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
 * Orders: has the stock set aside, then writes the order in one conditional write; if that fails, the stock is given
 * back. Buyer and key make the id of the order, and inventory goes by that id, so a repeat, after whatever failure,
 * goes on where the last one stopped, and finds the order if it is there.
 */
export async function placeOrder(
  { input, idempotencyKey }: PlaceOrderArgs,
  scope: PlaceOrderScope,
): Promise<Order> {
  const { buyer, db, inventory, log } = scope;
  const request = { key: idempotencyKey, scope: buyer.id, input: readPlaceOrder(input) };
  const id = idOf('o', request);
  const { lines, deliveryAddress } = request.input;

  // What is ordered already has its stock, and may even be sent.
  const placed = await db.table(ordersTable).get({ id }, { consistent: true });
  if (!placed) await inventory.reserve(id, lines);

  const { result: order } = await createOnce(db.table(ordersTable), request, {
    id,
    buyerId: buyer.id,
    placedAt: new Date().toISOString(),
    status: 'PLACED',
    lines,
    deliveryAddress,
    outbox: [domainEvent('OrderPlaced', { lines })],
  }).catch(async (error: unknown) => {
    await releaseUnlessPlaced(id, scope);
    throw error;
  });

  // The order stands, whatever becomes of the cart; a repeat finds the event and goes on with it.
  if (order.outbox) {
    await clearCart(order, db).catch((error: unknown) => {
      log.warn({ err: error, orderId: id }, 'what was ordered is still in the cart');
    });
  }
  return order;
}

async function clearCart(order: Order, db: Database): Promise<void> {
  await takeOutOfCart(order, db);
  await db.table(ordersTable).update({ id: order.id }, { remove: ['outbox'] });
}

/**
 * A write that failed may have happened all the same, here or in a repeat that runs at this moment. Stock is given
 * back only where it is certain that there is no order: it is better to keep too much than to sell what is not there.
 */
async function releaseUnlessPlaced(id: string, { db, inventory, log }: PlaceOrderScope): Promise<void> {
  try {
    if (await db.table(ordersTable).get({ id }, { consistent: true })) return;
    await inventory.release(id);
  } catch (error) {
    log.error({ err: error, orderId: id }, 'stock may be set aside for an order that was not placed');
  }
}
