import { EventFeeds } from '../../../../gateway/events/feeds';
import type { DomainEventSource, EventBatch } from '../../../../gateway/events/source';

const end = '1000000000';

it('lets a short replay through while many read a whole log that has nothing for them', async () => {
  const reads: string[] = [];
  const source: DomainEventSource = {
    keeps: 'positions',
    close: () => Promise.resolve(),
    async *read({ after, signal }) {
      reads.push(after!);
      // Each batch leads on, also the only one of a turn on a busy machine.
      for (let position = Number(after) + 1; !signal.aborted; position++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        const batch: EventBatch = { events: [], position: String(position) };
        yield batch;
      }
    },
  };
  const feeds = new EventFeeds({
    sources: new Map([['log', source]]),
    read: () => Promise.resolve(undefined),
  });
  feeds.use({
    stockChanged: { types: ['StockChanged'], source: 'log', key: { upc: 'subject' }, filter: [], only: {} },
  });
  feeds.at('log', end);
  const subscribe = (after: string) =>
    feeds.subscribe({ field: 'stockChanged', matches: () => true, bodyOf: () => Buffer.alloc(0) }, after);
  const long = Array.from({ length: 16 }, (_, i) => subscribe(String(i * 1000)));
  // It is where the gateway is after the first batch.
  const near = String(Number(end) - 1);
  const short = subscribe(near);
  while (!reads.includes(near)) await new Promise((resolve) => setTimeout(resolve, 20));
  // Those that gave way go on where they were.
  const isLater = (position: string): boolean => Number(position) < 16_000 && Number(position) % 1000 !== 0;
  while (!reads.some(isLater)) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const each of [...long, short]) each.close();
});
