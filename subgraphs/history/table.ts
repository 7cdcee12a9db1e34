import { defineTable } from '../kit';

/** What the events of an order told. */
export interface RecordedOrder {
  readonly id: string;
  readonly buyerId: string;
  /** Of its first change: ISO 8601 in UTC, so that the order of texts is the order of times. */
  readonly startedAt: string;
  /** Missing where no event told them. */
  readonly lines?: readonly RecordedLine[];
  /** In the order of their sequence. */
  readonly changes: readonly OrderChange[];
  /** Grows with each write, which holds off writers that have read an older record. */
  readonly changeCount: number;
}

export interface RecordedLine {
  readonly upc: string;
  readonly quantity: number;
}

export interface OrderChange {
  /** Of the event that told it. */
  readonly sequence: number;
  readonly status: 'PLACED' | 'REFUSED' | 'CANCELLED' | 'SHIPPED' | 'DELIVERED';
  readonly at: string;
}

export const recordedOrdersTable = defineTable<RecordedOrder>()({
  name: 'history-orders',
  partitionKey: 'id',
  indexes: { byBuyer: { partitionKey: 'buyerId', sortKey: 'startedAt' } },
});

/** The events that are counted for a product, an item each, and what they come to. */
export type PopularityItem = CountedMark | PopularityTotal;

export interface CountedMark {
  readonly upc: string;
  /** `event#SUBJECT#SEQUENCE`. */
  readonly item: string;
  /** It is in the total, for ever. */
  readonly isCounted: true;
}

export interface PopularityTotal {
  readonly upc: string;
  readonly item: 'total';
  readonly orders: number;
  readonly pieces: number;
  /** ISO 8601, UTC. */
  readonly since?: string;
  /** The item of the event that was counted last. */
  readonly last: string;
}

export const popularityTable = defineTable<PopularityItem>()({
  name: 'history-popularity',
  partitionKey: 'upc',
  sortKey: 'item',
});

/** How far a read model is. */
export interface Progress {
  readonly model: 'orders' | 'popularity';
  /** The time of the newest event that is in it: ISO 8601, UTC. */
  readonly asOf: string;
}

export const progressTable = defineTable<Progress>()({ name: 'history-progress', partitionKey: 'model' });
