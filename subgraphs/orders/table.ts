import { defineTable, type WithRequests } from '../kit';
import { seedCarts, seedOrders } from './seed';

export interface Order extends WithRequests {
  readonly id: string;
  readonly buyerId: string;
  /** ISO 8601 in UTC, so that the order of texts is the order of times. */
  readonly placedAt: string;
  readonly status: 'PLACED' | 'SHIPPED' | 'DELIVERED';
  readonly lines: readonly OrderLine[];
  readonly deliveryAddress: Address;
  /** Its lines are still in the buyer's cart. */
  readonly isInCart?: true;
}

export interface OrderLine {
  readonly upc: string;
  readonly quantity: number;
}

export interface Address {
  readonly street: string;
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
}

export const ordersTable = defineTable<Order>()({
  name: 'orders',
  partitionKey: 'id',
  indexes: { byBuyer: { partitionKey: 'buyerId', sortKey: 'placedAt' } },
  seed: seedOrders,
  outbox: true,
});

export interface Cart extends WithRequests {
  readonly userId: string;
  readonly lines: readonly OrderLine[];
}

export const cartsTable = defineTable<Cart>()({
  name: 'carts',
  partitionKey: 'userId',
  seed: seedCarts,
});
