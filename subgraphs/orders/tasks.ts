import { missing, SubgraphError, type TaskScope } from '../../kit';
import { takeOutOfCart } from './cart';
import { OrderCancelled, OrderPlaced, OrderRefused } from './events';
import { connectServices, type serviceOptions } from './services';
import { ordersTable, type Address, type Order, type OrderLine, type Refusal } from './table';

type Scope = TaskScope<keyof typeof serviceOptions>;

export interface RecordOrderInput {
  readonly orderId: string;
  readonly buyerId: string;
  readonly lines: readonly OrderLine[];
  readonly deliveryAddress: Address;
}

interface OfOrder {
  readonly orderId: string;
}

/** An error as a catcher of a workflow passes it on. */
interface CaughtError {
  readonly Error?: string;
  readonly Cause?: string;
}

/**
 * The tasks of `place-order` and `cancel-order`. Each may be called any number of times, late, and after its
 * compensation: the order's id is its key here and in the other services.
 */
export const tasks = {
  async recordOrder(input: RecordOrderInput, { db }: Scope) {
    await db.table(ordersTable).create(pendingOrder(input, new Date().toISOString()));
  },

  priceOrder: ({ orderId, lines }: OfOrder & Pick<Order, 'lines'>, scope: Scope) =>
    notingRefusal(orderId, scope, async () => ({ total: await connectServices(scope).priceOf(lines) })),

  reserveStock: ({ orderId, lines }: OfOrder & Pick<Order, 'lines'>, scope: Scope) =>
    notingRefusal(orderId, scope, () => connectServices(scope).reserveStock(orderId, lines)),

  takePayment({ orderId, buyerId, total, paymentToken }: PaymentInput, scope: Scope) {
    const payment = { orderId, payerId: buyerId, amount: total, token: paymentToken };
    return notingRefusal(orderId, scope, () => connectServices(scope).takePayment(payment));
  },

  async confirmOrder({ orderId, total }: OfOrder & { readonly total: number }, scope: Scope) {
    const { buyerId, lines } = await readOrder(orderId, scope);
    const placed = await scope.db.table(ordersTable).update(
      { id: orderId },
      {
        set: { status: 'PLACED', total },
        condition: { status: 'PENDING', isClosing: missing },
        events: [OrderPlaced.create({ buyerId, lines: [...lines], total })],
      },
    );
    if (placed) return;
    const { status, isClosing } = await readOrder(orderId, scope);
    if (status === 'PENDING' || status === 'REFUSED' || isClosing) {
      throw new SubgraphError('CONFLICT', `The order "${orderId}" was refused before.`);
    }
  },

  async clearCart({ orderId }: OfOrder, scope: Scope) {
    await takeOutOfCart(await readOrder(orderId, scope), scope.db);
  },

  async announceShipment({ orderId }: OfOrder, scope: Scope) {
    const { deliveryAddress } = await readOrder(orderId, scope);
    await connectServices(scope).announceShipment(orderId, deliveryAddress.country);
  },

  /**
   * Marks an order so that nobody places or ships it from now on: a placed one is `CANCELLED`. Throws `CONFLICT` for an
   * order that was shipped.
   */
  async closeOrder({ orderId, error }: OfOrder & { readonly error?: CaughtError }, scope: Scope) {
    const orders = scope.db.table(ordersTable);
    const { buyerId, lines, status } = await readOrder(orderId, scope);
    if (status === 'SHIPPED' || status === 'DELIVERED') {
      throw new SubgraphError('CONFLICT', `The order "${orderId}" is ${status}.`);
    }
    if (status === 'REFUSED' || status === 'CANCELLED') return;
    const closed = await orders.update(
      { id: orderId },
      status === 'PENDING'
        ? { set: { isClosing: true }, condition: { status } }
        : {
            set: { status: 'CANCELLED', ...(error && { refusal: toRefusal(error) }) },
            condition: { status },
            events: [OrderCancelled.create({ buyerId, lines: [...lines] })],
          },
    );
    if (!closed) throw new SubgraphError('UNAVAILABLE', `The order "${orderId}" has changed meanwhile.`);
  },

  withdrawShipment: ({ orderId }: OfOrder, scope: Scope) => connectServices(scope).withdrawShipment(orderId),

  refundPayment: ({ orderId }: OfOrder, scope: Scope) => connectServices(scope).refundPayment(orderId),

  releaseStock: ({ orderId }: OfOrder, scope: Scope) => connectServices(scope).releaseStock(orderId),

  /** Ends an order that could not be placed. It may not even be recorded. */
  async refuseOrder({ error, ...input }: RecordOrderInput & { readonly error: CaughtError }, scope: Scope) {
    const { orderId, buyerId } = input;
    const orders = scope.db.table(ordersTable);
    await orders.create(pendingOrder(input, new Date().toISOString()));
    const { refusal = toRefusal(error) } = await readOrder(orderId, scope);
    await orders.update(
      { id: orderId },
      {
        set: { status: 'REFUSED', refusal },
        condition: { status: 'PENDING' },
        events: [OrderRefused.create({ buyerId, code: refusal.code })],
      },
    );
  },
};

/** An order as the workflow begins with it. */
export function pendingOrder(
  { orderId, buyerId, lines, deliveryAddress }: RecordOrderInput,
  placedAt: string,
): Order {
  return { id: orderId, buyerId, placedAt, status: 'PENDING', lines, deliveryAddress };
}

interface PaymentInput extends OfOrder {
  readonly buyerId: string;
  readonly total: number;
  readonly paymentToken: string;
}

async function readOrder(id: string, { db }: Scope): Promise<Order> {
  const order = await db.table(ordersTable).get({ id }, { consistent: true });
  if (!order) throw new SubgraphError('NOT_FOUND', `There is no order "${id}".`);
  return order;
}

/** Notes in the order why it will be refused, with the product that it is about, before the workflow goes on. */
async function notingRefusal<Result>(id: string, { db }: Scope, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof SubgraphError && isRefusal(error.code) && error.code !== 'UNAVAILABLE') {
      const { upc } = error.extensions as { upc?: string };
      const refusal: Refusal = {
        code: error.code,
        message: error.message,
        ...(upc !== undefined && { upc }),
      };
      await db.table(ordersTable).update({ id }, { set: { refusal }, condition: { status: 'PENDING' } });
    }
    throw error;
  }
}

/** The reason for the buyer. Failures that the buyer cannot mend are all the same. */
function toRefusal({ Error: code = '', Cause: message = '' }: CaughtError): Refusal {
  if (isRefusal(code) && code !== 'UNAVAILABLE') return { code, message };
  return { code: 'UNAVAILABLE', message: 'The order cannot be placed at this moment; nothing was charged.' };
}

const isRefusal = (code: string): code is Refusal['code'] =>
  code === 'NOT_FOUND' || code === 'OUT_OF_STOCK' || code === 'PAYMENT_DECLINED' || code === 'UNAVAILABLE';
