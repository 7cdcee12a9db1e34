import { type RecordedEvent } from '../../subgraphs/history/events';

/** An event of `orders`; the minute of its time is its sequence. */
export function orderEvent<Type extends RecordedEvent['type']>(
  type: Type,
  subject: string,
  sequence: number,
  data: Extract<RecordedEvent, { type: Type }>['data'],
): Extract<RecordedEvent, { type: Type }> {
  const time = new Date(Date.UTC(2026, 0, 1, 12, sequence)).toISOString();
  return {
    ...{ specversion: '1.0', id: `${subject}/${sequence}`, source: 'orders', type, dataversion: 1 },
    ...{ subject, sequence, time, data, correlationid: 'test' },
  } as Extract<RecordedEvent, { type: Type }>;
}

export const placed = (
  subject: string,
  sequence: number,
  lines: readonly { readonly upc: string; readonly quantity: number }[],
  buyerId = 'u1',
) => orderEvent('OrderPlaced', subject, sequence, { buyerId, lines: [...lines] });
