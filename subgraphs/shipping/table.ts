import { defineTable } from '../../kit';

/** What is known of the parcel of an order. Kept for ever: nobody knows how late a message can be. */
export interface Shipment {
  readonly orderId: string;
  /** Where it is to be sent; missing before it was announced. */
  readonly country?: string;
  /** It must not be sent, even if it is announced later. */
  readonly isWithdrawn?: true;
  /** Where it was last seen. */
  readonly place?: string;
}

export const shipmentsTable = defineTable<Shipment>()({ name: 'shipments', partitionKey: 'orderId' });
