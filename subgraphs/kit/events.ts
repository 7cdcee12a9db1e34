import { randomUUID } from 'node:crypto';

/** Something that happened, kept in the very item whose change it tells of: both are written, or neither. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly id: string;
  readonly type: Type;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly data: Data;
}

/** What an item type extends to keep the events that are not handed on yet. */
export interface WithOutbox {
  readonly outbox?: readonly DomainEvent[];
}

/**
 * An event that happens now. Write it with the change it tells of:
 * `create({ ...order, outbox: [domainEvent('OrderPlaced', { … })] })`, or
 * `update(key, { …, append: { outbox: [domainEvent('StockReserved', { … })] } })`.
 */
export function domainEvent<Type extends string, Data>(type: Type, data: Data): DomainEvent<Type, Data> {
  return { id: randomUUID(), type, at: new Date().toISOString(), data };
}
