import type { Span } from './span';
import type { SpanWriter } from './write-spans';

/** Spans as they are sent: a request of OTLP. */
export interface SpanBatch {
  readonly bytes: Uint8Array;
  /** How many spans. */
  readonly count: number;
}

export interface SpanBatchesOptions {
  readonly writer: SpanWriter;
  /** Sends a batch. Resolves when it is sent, or is given up; it never rejects. */
  readonly send: (batch: SpanBatch) => Promise<void>;
  /** Counts a span that is dropped. */
  readonly drop: () => void;
  /** How long spans wait for others, in milliseconds. */
  readonly delay: number;
  /** How many spans may be here. */
  readonly mostSpans: number;
  /** How many a batch may have. */
  readonly batchSpans: number;
}

/**
 * The spans on their way to the collector. Each is written when it ends: OpenTelemetry's processor keeps objects until they
 * are sent, which cost the garbage collector more than the bytes of it. One batch is sent at a time, as large as a request
 * may be: each costs as much as to write 300 spans. Spans are dropped while 8 MiB are here, those that are being sent included.
 */
export class SpanBatches {
  readonly #options: SpanBatchesOptions;
  /** Batches that are full, the oldest first. */
  readonly #waiting: SpanBatch[] = [];
  /** Of all batches, without the one that is written. */
  #bytes = 0;
  #spans = 0;
  /** Of the batch that is written. */
  #written = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Whether its time is over, so that it is sent next. */
  #isDue = false;
  #isStopped = false;
  /** Settles when the batch is gone that is sent now. */
  #sending: Promise<void> | undefined;
  /** How many batches have been closed, and how many of these are gone. */
  #closed = 0;
  #gone = 0;

  constructor(options: SpanBatchesOptions) {
    this.#options = options;
  }

  /** Takes a span that has ended, or drops it where too many are here. */
  take(span: Span): void {
    const { writer, drop, delay, mostSpans, batchSpans } = this.#options;
    const isFull = this.#spans + this.#written >= mostSpans || this.#bytes + writer.size >= mostBytes;
    if (isFull || this.#isStopped) {
      drop();
      return;
    }
    writer.add(span);
    const count = ++this.#written;
    if (count >= batchSpans || count >= mostSpans || writer.size >= batchBytes) this.#close();
    else this.#timer ??= setTimeout(() => this.#fallDue(), delay).unref();
  }

  /** Resolves when the spans so far are sent, or are given up. */
  async flush(): Promise<void> {
    this.#close();
    const last = this.#closed;
    while (this.#gone < last) await this.#sending;
  }

  /** Flushes the spans so far. Later ones are dropped. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.flush();
  }

  #fallDue(): void {
    this.#isDue = true;
    if (this.#sending === undefined) this.#close();
  }

  /** Ends the batch that is written, if it has a span. */
  #close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    if (this.#written === 0) return;
    const batch = { bytes: this.#options.writer.finish(), count: this.#written };
    this.#written = 0;
    this.#bytes += batch.bytes.length;
    this.#spans += batch.count;
    this.#closed++;
    this.#waiting.push(batch);
    this.#sendNext();
  }

  #sendNext(): void {
    if (this.#sending !== undefined) return;
    const batch = this.#waiting.shift();
    if (batch === undefined) return;
    this.#sending = this.#options.send(batch).then(() => {
      this.#bytes -= batch.bytes.length;
      this.#spans -= batch.count;
      this.#gone++;
      this.#sending = undefined;
      if (this.#waiting.length === 0 && this.#isDue) this.#close();
      else this.#sendNext();
    });
  }
}

const mostBytes = 8 * 1024 * 1024;
/** About 1,700 spans. Proxies take bodies of a megabyte. */
const batchBytes = 512 * 1024;
