import { type DomainEvent } from '../../kit';

/** An event of `orders`, but for the changes. */
export const orderPlaced = (changes: Partial<DomainEvent> = {}): DomainEvent => ({
  specversion: '1.0',
  id: 'e1',
  source: 'orders',
  type: 'OrderPlaced',
  dataversion: 1,
  subject: 'o1',
  sequence: 1,
  time: '2026-01-01T00:00:00.000Z',
  data: { total: 5 },
  correlationid: 'request-1',
  ...changes,
});

/** An event of `orders`; the minute of its time is its sequence. */
export function orderEvent(type: string, subject: string, sequence: number, data: object): DomainEvent {
  const time = new Date(Date.UTC(2026, 0, 1, 12, sequence)).toISOString();
  return orderPlaced({ id: `${subject}/${sequence}`, type, subject, sequence, time, data });
}

export const placed = (subject: string, sequence: number, lines: readonly object[], buyerId = 'u1') =>
  orderEvent('OrderPlaced', subject, sequence, { buyerId, lines });
