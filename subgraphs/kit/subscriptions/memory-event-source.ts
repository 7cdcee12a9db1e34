import { randomBytes } from 'node:crypto';
import {
  type EventSelection,
  type EventSource,
  type EventStream,
  type EventToPublish,
  type StreamedEvent,
} from './event-source';

export interface MemoryEventSourceOptions {
  /** How many of the last events can be replayed, and how many may wait for one slow subscriber. @default 1000 */
  readonly kept?: number;
}

interface KeptEvent extends EventToPublish {
  readonly sequence: number;
  readonly position: string;
}

/**
 * An event source in the memory of this process: subscribers get the events that this very process has published, and
 * positions are lost with it. Its memory is bounded by `kept` events, and by `kept` references to them per subscriber.
 */
export function memoryEventSource({ kept = 1000 }: MemoryEventSourceOptions = {}): EventSource {
  if (!Number.isInteger(kept) || kept < 1)
    throw new RangeError(`\`kept\` must be a positive number of events, but got: ${kept}`);
  // Tells positions of this process from those of an earlier one.
  const epoch = randomBytes(6).toString('hex');
  const recent: KeptEvent[] = [];
  const subscribers = new Map<string, Set<MemoryStream>>();
  let sequence = 0;

  return {
    publish({ type, key, data }) {
      sequence++;
      const event = { type, key, data, sequence, position: `${epoch}-${sequence}` };
      if (recent.push(event) > kept) recent.shift();
      for (const topic of [topicOf(type, key), topicOf(type)])
        for (const stream of subscribers.get(topic) ?? []) stream.push(event);
      return Promise.resolve();
    },

    subscribe(selection) {
      const topics = topicsOf(selection);
      const stream = new MemoryStream(kept, () => {
        for (const topic of topics) {
          const streams = subscribers.get(topic);
          streams?.delete(stream);
          if (streams?.size === 0) subscribers.delete(topic);
        }
      });
      for (const topic of topics) {
        const streams = subscribers.get(topic);
        if (streams) streams.add(stream);
        else subscribers.set(topic, new Set([stream]));
      }
      if (selection.after !== undefined) replay(stream, selection, selection.after);
      return stream;
    },
  };

  function replay(stream: MemoryStream, { type, keys }: EventSelection, after: string): void {
    const [from, digits = ''] = after.split('-', 2);
    const last = /^\d{1,15}$/.test(digits) ? Number(digits) : NaN;
    const oldest = recent[0]?.sequence ?? sequence + 1;
    if (from !== epoch || !(last >= oldest - 1 && last <= sequence)) {
      stream.markGap();
      return;
    }
    const wanted = keys === 'all' ? undefined : new Set(keys);
    for (const event of recent.slice(last + 1 - oldest))
      if (event.type === type && wanted?.has(event.key) !== false) stream.push(event);
  }
}

/** Events of one key, or of all keys. Types are names, so they hold no space. */
const topicOf = (type: string, key?: string): string => (key === undefined ? type : `${type} ${key}`);

const topicsOf = ({ type, keys }: EventSelection): string[] =>
  keys === 'all' ? [topicOf(type)] : [...new Set(keys)].map((key) => topicOf(type, key));

class MemoryStream implements EventStream {
  readonly #queue: KeptEvent[] = [];
  readonly #limit: number;
  readonly #onEnd: () => void;
  readonly #readers: ((result: IteratorResult<StreamedEvent, undefined>) => void)[] = [];
  #hasGap = false;
  #hasEnded = false;

  constructor(limit: number, onEnd: () => void) {
    this.#limit = limit;
    this.#onEnd = onEnd;
  }

  push(event: KeptEvent): void {
    if (this.#queue.push(event) > this.#limit) {
      this.#queue.shift();
      this.#hasGap = true;
    }
    this.#readers.shift()?.(this.#take()!);
  }

  markGap(): void {
    this.#hasGap = true;
  }

  next(): Promise<IteratorResult<StreamedEvent, undefined>> {
    const taken = this.#take();
    return taken ? Promise.resolve(taken) : new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      this.#onEnd();
      this.#queue.length = 0;
      for (const resolve of this.#readers.splice(0)) resolve(end);
    }
    return Promise.resolve(end);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): IteratorResult<StreamedEvent, undefined> | undefined {
    if (this.#hasEnded) return end;
    if (this.#hasGap) {
      this.#hasGap = false;
      return { done: false, value: { isGap: true } };
    }
    const event = this.#queue.shift();
    return event && { done: false, value: { isGap: false, position: event.position, data: event.data } };
  }
}

const end: IteratorReturnResult<undefined> = { done: true, value: undefined };
