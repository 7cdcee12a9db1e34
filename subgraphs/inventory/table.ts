import { defineTable } from '../kit';
import { seedStock } from './seed';

/** How many of a product lie where. */
export interface StockItem {
  readonly upc: string;
  /** What the label on the shelf says. */
  readonly sku: string;
  readonly warehouse: string;
  readonly onHand: number;
  /** Those on hand that are in no hold; never below zero. */
  readonly available: number;
  /** What is set aside, by hold. No more holds than pieces on hand, so the item stays small. */
  readonly holds: Readonly<Record<string, number>>;
}

export const stockTable = defineTable<StockItem>()({
  name: 'stock',
  partitionKey: 'upc',
  indexes: { byWarehouse: { partitionKey: 'warehouse', sortKey: 'upc' } },
  seed: seedStock,
});

/** What an order has set aside, or means to; `reservations.ts` says how it comes to that. */
export interface Reservation {
  readonly orderId: string;
  readonly state: 'taking' | 'held' | 'released';
  /** Counts how often the order has begun to set stock aside. */
  readonly round: number;
  readonly lines: readonly StockLine[];
}

export interface StockLine {
  readonly upc: string;
  readonly quantity: number;
}

export const reservationsTable = defineTable<Reservation>()({
  name: 'reservations',
  partitionKey: 'orderId',
});
