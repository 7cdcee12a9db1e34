import { type DomainEvent } from '../../subgraphs/kit';

/** An event of `orders`; the minute of its time is its sequence. */
export function orderEvent(type: string, subject: string, sequence: number, data: object): DomainEvent {
  const time = new Date(Date.UTC(2026, 0, 1, 12, sequence)).toISOString();
  return {
    ...{ specversion: '1.0', id: `${subject}/${sequence}`, source: 'orders', type, dataversion: 1 },
    ...{ subject, sequence, time, data, correlationid: 'test' },
  };
}

export const placed = (subject: string, sequence: number, lines: readonly object[], buyerId = 'u1') =>
  orderEvent('OrderPlaced', subject, sequence, { buyerId, lines });
