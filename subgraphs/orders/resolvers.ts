import {
  hasScope,
  requireIdentity,
  SubgraphError,
  subscriptionField,
  type ConnectionArgs,
  type Identity,
  type RequestScope,
  type Resolvers,
} from '../../kit';
import { advanceOrder, type AdvanceOrderArgs } from './advance-order';
import { addToCart, removeFromCart, type AddToCartArgs } from './cart';
import { cancelOrder } from './cancel-order';
import { OrderCancelled, OrderPlaced, OrderRefused, OrderStatusChanged } from './events';
import { createLoaders, type Loaders } from './loaders';
import { placeOrder, type PlaceOrderArgs } from './place-order';
import { ordersTable, type Cart, type Order, type OrderLine } from './table';

export interface Context extends Pick<RequestScope, 'db' | 'identity' | 'invalidate' | 'workflows'> {
  loaders: Loaders;
}

export const resolvers: Resolvers<Context> = {
  Query: {
    cart: (_: unknown, __: unknown, context) => context.identity && loadCart(context.identity.id, context),
    order: (_: unknown, { id }: { id: string }, context) => loadOwnOrder(id, context),
    customerOrder: (_: unknown, { id }: { id: string }, context) => loadAnyOrder(id, context),
  },

  Mutation: {
    addToCart: (_: unknown, args: AddToCartArgs, context) =>
      change(context, (buyer) => addToCart(args, { buyer, db: context.db })),
    removeFromCart: (_: unknown, { upc }: { upc: string }, context) =>
      change(context, (buyer) => removeFromCart(upc, { buyer, db: context.db })),
    placeOrder: (_: unknown, args: PlaceOrderArgs, context) =>
      change(context, async (buyer) => {
        const order = await placeOrder(args, { ...context, buyer });
        invalidateOrder(order, context);
        return order;
      }),
    cancelOrder: (_: unknown, { id }: { id: string }, context) =>
      change(context, async () => {
        const found = await loadVisibleOrder(id, context);
        if (!found) throw new SubgraphError('NOT_FOUND', `The viewer has no order "${id}".`);
        const order = await cancelOrder(found, context);
        invalidateOrder(order, context);
        return order;
      }),
    async advanceOrder(_: unknown, args: AdvanceOrderArgs, context) {
      requireSupport(context);
      const order = await advanceOrder(args, context.db);
      context.invalidate(`orders-of-user-${order.buyerId}`);
      return order;
    },
  },

  Subscription: {
    orderChanged: subscriptionField<Context, { id: string }>({
      event: [OrderPlaced, OrderRefused, OrderCancelled, OrderStatusChanged].map(({ type }) => type),
      async keys({ id }, context) {
        requireIdentity(context.identity);
        if (await loadOwnOrder(id, context)) return [id];
        throw new SubgraphError('NOT_FOUND', `The viewer has no order "${id}".`);
      },
      async resolve(_, { id }, { db, identity }) {
        const order = await db.table(ordersTable).get({ id }, { consistent: true });
        return identity?.id === order?.buyerId ? order : null;
      },
    }),
  },

  Cart: {
    itemCount: ({ lines }: Cart) => lines.reduce((sum, { quantity }) => sum + quantity, 0),
  },
  CartLine: {
    product: ({ upc }: OrderLine) => ({ upc }),
  },

  Order: {
    __resolveReference: ({ id }: { id: string }, context: Context) => loadVisibleOrder(id, context),
    buyer: ({ buyerId }: Order) => ({ id: buyerId }),
    lines: ({ id, lines }: Order) => lines.map((line) => ({ ...line, orderId: id })),
    /** What is noted while the order is pending is for its workflow. */
    refusal: ({ status, refusal }: Order) => (status === 'PENDING' ? null : refusal),
    async workflow({ id }: Order, { name }: { name: keyof typeof workflowNames }, context) {
      requireSupport(context);
      const workflow = workflowNames[name];
      const execution = await context.workflows.get(workflow, id);
      return execution && { ...execution, history: () => context.workflows.history(workflow, id) };
    },
  },
  OrderLine: {
    async __resolveReference({ orderId, upc }: OrderLineKey, context: Context) {
      const order = await loadVisibleOrder(orderId, context);
      const line = order?.lines.find((candidate) => candidate.upc === upc);
      return line ? { ...line, orderId } : null;
    },
    product: ({ upc }: OrderLine) => ({ upc }),
  },

  User: {
    cart({ id }: { id: string }, _: unknown, context) {
      requireSelf(id, context);
      return loadCart(id, context);
    },
    orders({ id }: { id: string }, page: ConnectionArgs, context) {
      requireSelf(id, context);
      return context.loaders.ordersOfBuyer.load(id, page);
    },
  },
};

/** By `OrderWorkflowName`. A default in the schema would not have the values of the enum type's resolvers. */
const workflowNames = { PLACE_ORDER: 'place-order', CANCEL_ORDER: 'cancel-order' } as const;

interface OrderLineKey {
  readonly orderId: string;
  readonly upc: string;
}

const supports = ({ identity }: Context): boolean => hasScope(identity, 'support');

const loadVisibleOrder = (id: string, context: Context): Promise<Order | null> =>
  supports(context) ? loadAnyOrder(id, context) : loadOwnOrder(id, context);

/** The gateway checks the scope, too, but the subgraph must not rely on being called through a gateway. */
function loadAnyOrder(id: string, context: Context): Promise<Order | null> {
  requireSupport(context);
  return context.loaders.orders.load({ id });
}

function requireSupport(context: Context): void {
  if (!supports(context))
    throw new SubgraphError('FORBIDDEN', 'Orders of others are for support staff only.');
}

/** An order of another user is null, as if it did not exist, so that nobody can find out which orders exist. */
async function loadOwnOrder(id: string, { identity, loaders }: Context): Promise<Order | null> {
  const order = await loaders.orders.load({ id });
  return identity && order?.buyerId === identity.id ? order : null;
}

/** Services were called directly and not through the gateway, so they cannot invalidate their own data. */
function invalidateOrder({ buyerId, lines }: Order, { invalidate }: Context): void {
  invalidate(`orders-of-user-${buyerId}`, ...lines.map(({ upc }) => `stock-of-product-${upc}`));
}

async function loadCart(userId: string, { loaders }: Context): Promise<Cart> {
  return (await loaders.carts.load({ userId })) ?? { userId, lines: [] };
}

function requireSelf(id: string, { identity }: Context): void {
  if (requireIdentity(identity).id === id) return;
  throw new SubgraphError('FORBIDDEN', 'Carts and orders are shown to their owner only.');
}

/** Runs a change for the viewer, then replaces the loaders, as they cache the old data. */
async function change<Result>(
  context: Context,
  apply: (buyer: Identity) => Promise<Result>,
): Promise<Result> {
  const result = await apply(requireIdentity(context.identity));
  context.loaders = createLoaders(context.db);
  return result;
}
