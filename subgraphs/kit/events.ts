import { randomUUID } from 'node:crypto';

/** A domain event. It is stored in the item whose change it describes (outbox), so both are written, or neither. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly id: string;
  readonly type: Type;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly data: Data;
}

/** Extended by item types that store events which are not published yet. */
export interface WithOutbox {
  readonly outbox?: readonly DomainEvent[];
}

/**
 * Makes an event with the current time. Write it together with the change that it describes:
 * `create({ ...order, outbox: [domainEvent('OrderPlaced', { … })] })`, or
 * `update(key, { …, append: { outbox: [domainEvent('StockReserved', { … })] } })`.
 */
export function domainEvent<Type extends string, Data>(type: Type, data: Data): DomainEvent<Type, Data> {
  return { id: randomUUID(), type, at: new Date().toISOString(), data };
}
