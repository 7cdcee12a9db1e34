import { randomBytes } from 'node:crypto';
import { BufferedStream } from './buffered-stream';
import { type EventSelection, type EventSource } from './event-source';
import { FanOut, selects } from './fan-out';

export interface MemoryEventSourceOptions {
  /** How many of the last events can be replayed, and how many may wait for one slow subscriber. @default 1000 */
  readonly kept?: number;
}

/** An event to publish. */
export interface PublishedEvent<Data = unknown> {
  /** Such as `PriceTicked`. */
  readonly type: string;
  /** What it happened to: the key of an entity, such as a product's UPC. */
  readonly key: string;
  /** What subscription fields resolve from. */
  readonly data: Data;
}

/** An event source whose events need not outlive the process. */
export interface MemoryEventSource extends EventSource {
  publish(event: PublishedEvent): void;
}

interface KeptEvent extends PublishedEvent {
  readonly position: string;
}

/**
 * An event source in the memory of this process, for what nobody misses: subscribers get the events that this very
 * process has published, and positions are lost with it. Its memory is bounded by `kept` events, and by `kept` references
 * to them per subscriber.
 */
export function memoryEventSource({ kept = 1000 }: MemoryEventSourceOptions = {}): MemoryEventSource {
  if (!Number.isInteger(kept) || kept < 1)
    throw new RangeError(`\`kept\` must be a positive number of events, but got: ${kept}`);
  // Tells positions of this process from those of an earlier one.
  const epoch = randomBytes(6).toString('hex');
  const recent: KeptEvent[] = [];
  const subscribers = new FanOut<BufferedStream>();
  let sequence = 0;

  return {
    publish({ type, key, data }) {
      sequence++;
      const event = { type, key, data, position: `${epoch}-${sequence}` };
      if (recent.push(event) > kept) recent.shift();
      for (const stream of subscribers.subscribersOf(event)) stream.push(event.position, data);
    },

    subscribe(selection) {
      const stream = new BufferedStream(kept, () => subscribers.delete(stream, selection));
      subscribers.add(stream, selection);
      if (selection.after !== undefined) replay(stream, selection, selection.after);
      return Promise.resolve(stream);
    },
  };

  function replay(stream: BufferedStream, selection: EventSelection, after: string): void {
    const [from, digits = ''] = after.split('-', 2);
    const last = /^\d{1,15}$/.test(digits) ? Number(digits) : NaN;
    const oldest = sequence - recent.length + 1;
    if (from !== epoch || !(last >= oldest - 1 && last <= sequence)) {
      stream.markGap();
      return;
    }
    for (const event of recent.slice(last + 1 - oldest))
      if (selects(selection, event)) stream.push(event.position, event.data);
  }
}
