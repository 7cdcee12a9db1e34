import { defineTable } from '../../kit';

/** The payment of an order. An order has at most one, so the order's id is the key of every command. */
export interface Payment {
  readonly orderId: string;
  /**
   * `PENDING`: the provider was called, or is about to be. `REFUNDED` is final; it is also the tombstone of a refund that
   * came before its payment. Kept for ever, as all payments are.
   */
  readonly status: 'PENDING' | 'TAKEN' | 'DECLINED' | 'REFUNDED';
  /** The user who pays. Missing in a tombstone. */
  readonly payerId?: string;
  /** In cents of a euro. Missing in a tombstone. */
  readonly amount?: number;
}

export const paymentsTable = defineTable<Payment>()({
  name: 'payments',
  partitionKey: 'orderId',
  operations: ['BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem'],
  outbox: true,
});
