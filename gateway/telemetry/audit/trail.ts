import { type AuditRecord, chain, type ChainLink } from './record';
import type { AuditDestination } from './destinations';

export interface TrailOptions {
  readonly destination: AuditDestination;
  readonly key: string | undefined;
  /** What happens to records while the destination is too slow: see `audit.trails.whenSlow`. */
  readonly whenSlow: 'block' | 'drop';
  /** Bytes of records that may wait for the destination. */
  readonly bound: number;
  readonly onDrop: () => void;
  /** Called when the destination could not write. Writing is retried. */
  readonly onFailure: (error: unknown) => void;
}

/** One audit trail: chains records, and writes them in order, as fast as the destination accepts them. */
export class Trail {
  readonly #options: TrailOptions;
  /** The last record. */
  #link: ChainLink;
  /** The last record that the destination has written. */
  #taken: ChainLink;
  #waiting = '';
  #isWriting = false;
  #closed = false;
  #onRoom: (() => void)[] = [];
  #written: Promise<void> = Promise.resolve();

  constructor(options: TrailOptions) {
    this.#options = options;
    this.#link = this.#taken = options.destination.last;
  }

  /** Resolves when there is room for a record. With `drop` there always is. */
  async ready(): Promise<void> {
    while (this.#options.whenSlow === 'block' && this.#isFull && !this.#closed)
      await new Promise<void>((resolve) => this.#onRoom.push(resolve));
  }

  write(record: AuditRecord): void {
    if (this.#isFull && this.#options.whenSlow === 'drop') {
      this.#options.onDrop();
      return;
    }
    const { line, link } = chain(record, this.#link, this.#options.key);
    this.#link = link;
    this.#waiting += line;
    if (!this.#isWriting) this.#written = this.#flush();
  }

  /** Resolves when the records so far are written. */
  get written(): Promise<void> {
    return this.#written;
  }

  /** Resolves when all records are written, or writing has failed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#written;
    await this.#options.destination.close();
  }

  get #isFull(): boolean {
    return this.#waiting.length >= this.#options.bound;
  }

  async #flush(): Promise<void> {
    this.#isWriting = true;
    // Records of the same turn of the event loop go in one write.
    await Promise.resolve();
    while (this.#waiting !== '') {
      const lines = this.#waiting;
      const last = this.#link;
      this.#waiting = '';
      const isWritten = await this.#attempt(lines);
      if (isWritten) this.#taken = last;
      if (!isWritten) {
        this.#waiting = lines + this.#waiting;
        if (this.#closed) break;
        await new Promise((resolve) => setTimeout(resolve, pause));
      } else if (!this.#isFull) for (const resume of this.#onRoom.splice(0)) resume();
    }
    this.#isWriting = false;
    for (const resume of this.#onRoom.splice(0)) resume();
  }

  async #attempt(lines: string): Promise<boolean> {
    try {
      await this.#options.destination.write(lines, this.#taken);
      return true;
    } catch (error) {
      this.#options.onFailure(error);
      return false;
    }
  }
}

/** Milliseconds between two attempts to write. */
const pause = 1000;
