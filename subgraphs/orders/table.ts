import { defineTable, type WithRequests } from '../../kit';
import { seedCarts, seedOrders } from './seed';

export interface Order {
  readonly id: string;
  readonly buyerId: string;
  /** ISO 8601 in UTC, so that the order of texts is the order of times. */
  readonly placedAt: string;
  readonly status: OrderStatus;
  readonly lines: readonly OrderLine[];
  readonly deliveryAddress: Address;
  /** The price of all lines, in cents of a euro. Not there before the order is placed. */
  readonly total?: number;
  /** Why the shop refused or cancelled it. May be there while the order is still `PENDING`. */
  readonly refusal?: Refusal;
  /** It is being undone, and must not be placed any more. */
  readonly isClosing?: true;
}

export type OrderStatus = 'PENDING' | 'PLACED' | 'REFUSED' | 'SHIPPED' | 'DELIVERED' | 'CANCELLED';

export interface Refusal {
  readonly code: 'NOT_FOUND' | 'OUT_OF_STOCK' | 'PAYMENT_DECLINED' | 'UNAVAILABLE';
  readonly message: string;
  /** The product that it is about, if it is one. */
  readonly upc?: string;
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
  operations: ['BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem'],
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
  operations: ['BatchGetItem', 'GetItem', 'PutItem'],
  seed: seedCarts,
});
