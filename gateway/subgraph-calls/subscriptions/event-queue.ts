import type { Source } from '../contract/source';
import { type SubgraphEvent, TransportError, type TransportFailure } from '../contract/transport';
import { gapEvent } from './events';

/** How many events of one subscription may wait for their reader. */
export interface EventBounds {
  /** @default 100 */
  readonly events?: number | undefined;
  /**
   * Bytes of all that wait. One event may wait, however large it is.
   *
   * @default 1048576 (1 MiB)
   */
  readonly bytes?: number | undefined;
  /**
   * What happens beyond: only the `latest` event is kept, with a gap before it, or the source ends (`close`) with a
   * `TransportError` `too-fast` after those that wait.
   *
   * @default 'latest'
   */
  readonly slow?: 'latest' | 'close' | undefined;
}

export interface EventQueueOptions {
  readonly subgraph: string;
  readonly bounds: EventBounds;
  /** Called once when the source ends before the subgraph has ended it: by its reader, or as events came too fast. */
  readonly onClose: () => void;
  /** Called with the number of events that were dropped. */
  readonly onDropped: (count: number) => void;
}

/** A source whose events are pushed. What a subgraph sends faster than it is read does not fill the memory. */
export class EventQueue implements Source<SubgraphEvent> {
  readonly #options: EventQueueOptions;
  #events: SubgraphEvent[] = [];
  #bytes = 0;
  /** Undefined while it may grow. */
  #end: { readonly error: Error | undefined } | undefined;
  #reader: EventWaiter | undefined;

  constructor(options: EventQueueOptions) {
    this.#options = options;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  push(event: SubgraphEvent): void {
    if (this.#end !== undefined) return;
    if (this.#reader !== undefined) {
      const { resolve } = this.#reader;
      this.#reader = undefined;
      resolve(event);
      return;
    }
    const { events = 100, bytes = 1024 * 1024, slow = 'latest' } = this.#options.bounds;
    const isFull =
      this.#events.length > 0 && (this.#events.length >= events || this.#bytes + event.body.length > bytes);
    if (isFull && slow === 'close') {
      this.fail('too-fast');
      this.#options.onClose();
      return;
    }
    if (isFull) {
      this.#options.onDropped(this.#events.filter(({ isGap }) => isGap !== true).length);
      this.#events = [gapEvent];
      this.#bytes = gapEvent.body.length;
    }
    this.#events.push(kept(event));
    this.#bytes += event.body.length;
  }

  /** The subgraph has completed it. */
  complete(): void {
    this.end(undefined);
  }

  fail(failure: TransportFailure, cause?: unknown): void {
    this.end(new TransportError(this.#options.subgraph, failure, cause));
  }

  /** No event comes any more. Those that wait are still read. @param error why, if it broke */
  end(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    if (this.#reader === undefined) return;
    const { resolve, reject } = this.#reader;
    this.#reader = undefined;
    this.#end = ended;
    if (error === undefined) resolve(undefined);
    else reject(error);
  }

  next(): Promise<SubgraphEvent | undefined> {
    const event = this.#events.shift();
    if (event !== undefined) {
      this.#bytes -= event.body.length;
      return Promise.resolve(event);
    }
    if (this.#end === undefined)
      return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
    const { error } = this.#end;
    this.#end = ended;
    return error === undefined ? Promise.resolve(undefined) : Promise.reject(error);
  }

  close(): void {
    const wasOpen = this.#end === undefined;
    this.#events = [];
    this.#end = ended;
    this.#reader?.resolve(undefined);
    this.#reader = undefined;
    if (wasOpen) this.#options.onClose();
  }
}

/** An event that waits does not hold on to a larger piece of what came over its connection. */
export const kept = (event: SubgraphEvent): SubgraphEvent =>
  event.body.buffer.byteLength > 4 * event.body.length ? { ...event, body: Buffer.from(event.body) } : event;

/** Who waits for the next event. */
interface EventWaiter {
  readonly resolve: (event: SubgraphEvent | undefined) => void;
  readonly reject: (error: Error) => void;
}

const ended = { error: undefined };
