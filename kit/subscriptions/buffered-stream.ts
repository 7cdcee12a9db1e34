import { type EventStream, type StreamedEvent } from './event-source';

/** A stream that a source pushes events to. What its reader does not take is kept, up to a limit. */
export class BufferedStream implements EventStream {
  readonly #queue: StreamedEvent[] = [];
  readonly #limit: number;
  readonly #onEnd: () => void;
  readonly #readers: {
    readonly resolve: (result: IteratorResult<StreamedEvent, undefined>) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #hasGap = false;
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;

  /** `onEnd` is called once, when the stream has ended or failed. */
  constructor(limit: number, onEnd: () => void) {
    this.#limit = limit;
    this.#onEnd = onEnd;
  }

  /** Beyond the limit the oldest event is dropped, and there is a gap in its place. */
  push(position: string, data: unknown): void {
    if (this.#queue.push({ isGap: false, position, data }) > this.#limit) {
      this.#queue.shift();
      this.#hasGap = true;
    }
    this.#readers.shift()?.resolve(this.#take()!);
  }

  markGap(): void {
    this.#hasGap = true;
  }

  /** Has the reader's `next` reject, and ends the stream. */
  fail(error: unknown): void {
    if (this.#hasEnded) return;
    if (this.#readers.length === 0) this.#failure = { error };
    for (const { reject } of this.#readers.splice(0)) reject(error);
    this.#end();
  }

  next(): Promise<IteratorResult<StreamedEvent, undefined>> {
    if (this.#failure) {
      const { error } = this.#failure;
      this.#failure = undefined;
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is the source's error, as it came
      return Promise.reject(error);
    }
    const taken = this.#take();
    if (taken) return Promise.resolve(taken);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#hasEnded) this.#end();
    return Promise.resolve(end);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#onEnd();
    this.#queue.length = 0;
    for (const { resolve } of this.#readers.splice(0)) resolve(end);
  }

  #take(): IteratorResult<StreamedEvent, undefined> | undefined {
    if (this.#hasEnded) return end;
    if (this.#hasGap) {
      this.#hasGap = false;
      return { done: false, value: { isGap: true } };
    }
    const event = this.#queue.shift();
    return event && { done: false, value: event };
  }
}

const end: IteratorReturnResult<undefined> = { done: true, value: undefined };
