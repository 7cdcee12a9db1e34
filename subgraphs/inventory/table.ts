import { defineTable } from '../../kit';
import { seedStock } from './seed';

/** The stock of a product in its warehouse. */
export interface StockItem {
  readonly upc: string;
  /** The stock keeping unit, as on the label of the shelf. */
  readonly sku: string;
  readonly warehouse: string;
  readonly onHand: number;
  /** Pieces in stock without those in holds. Never below zero. */
  readonly available: number;
  /** Reserved pieces by order. There are at most as many holds as pieces, so the item stays small. */
  readonly holds: Readonly<Record<string, number>>;
  /** Counts the releases that looked for a hold here. Not there: none. */
  readonly releases?: number;
}

export const stockTable = defineTable<StockItem>()({
  name: 'stock',
  partitionKey: 'upc',
  operations: ['BatchGetItem', 'GetItem', 'UpdateItem'],
  indexes: { byWarehouse: { partitionKey: 'warehouse', sortKey: 'upc' } },
  seed: seedStock,
  outbox: true,
});

/** The stock that an order reserves or has reserved; `reservations.ts` describes the steps. */
export interface Reservation {
  readonly orderId: string;
  readonly state: 'taking' | 'held' | 'released';
  /** Empty in the tombstone of an order whose stock was released before it was reserved. */
  readonly lines: readonly StockLine[];
  /** The product of which too little was left, if the reservation was released for that. */
  readonly missing?: string;
}

export interface StockLine {
  readonly upc: string;
  readonly quantity: number;
}

export const reservationsTable = defineTable<Reservation>()({
  name: 'reservations',
  partitionKey: 'orderId',
  operations: ['BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem'],
});
