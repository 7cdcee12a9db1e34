import { idOf, SubgraphError, type Database, type Identity, type Workflows } from '../../kit';
import { readPlaceOrder, type PlaceOrderInput } from './input';
import { ordersTable, type Order } from './table';
import { pendingOrder, type RecordOrderInput } from './tasks';

export interface PlaceOrderArgs {
  readonly input: PlaceOrderInput;
  readonly idempotencyKey: string;
}

export interface PlaceOrderScope {
  readonly buyer: Identity;
  readonly db: Database;
  readonly workflows: Workflows;
}

/** How long a mutation waits for its workflow, in milliseconds: clients are answered within 2 s. */
export const answerMilliseconds = 1500;

/**
 * Places an order by the workflow `place-order`. The id of order and execution is derived from buyer and idempotency
 * key, and starting the execution is the one write of this mutation: whatever dies afterwards, the execution goes on.
 * A repeated request finds the execution, and has the same answer.
 *
 * Returns the order, which is `PENDING` if the workflow has not ended within 1.5 s. Throws the reason of a refused
 * order (`OUT_OF_STOCK`, `PAYMENT_DECLINED`, `NOT_FOUND`, `UNAVAILABLE`), and `IDEMPOTENCY_KEY_REUSED`.
 */
export async function placeOrder(
  { input, idempotencyKey }: PlaceOrderArgs,
  { buyer, db, workflows }: PlaceOrderScope,
): Promise<Order> {
  const { lines, deliveryAddress, paymentToken } = readPlaceOrder(input);
  const orderId = idOf('o', { key: idempotencyKey, scope: buyer.id });
  const recorded: RecordOrderInput = { orderId, buyerId: buyer.id, lines, deliveryAddress };
  const { startedAt } = await workflows.start('place-order', orderId, { ...recorded, paymentToken });
  await workflows.wait('place-order', orderId, { milliseconds: answerMilliseconds });

  const order = await db.table(ordersTable).get({ id: orderId }, { consistent: true });
  // It is not recorded yet if the workflow could not begin.
  if (!order) return pendingOrder(recorded, startedAt);
  const { status, refusal } = order;
  if (!refusal || status === 'PENDING') return order;
  throw new SubgraphError(refusal.code, refusal.message, {
    orderId,
    ...(refusal.upc !== undefined && { upc: refusal.upc }),
  });
}
