import { type DomainEvent } from '../event';

/** An event that is read and not settled: neither done nor in the failure queue. */
export interface PendingEvent {
  readonly event: DomainEvent;
  readonly text: string;
  /** Where it stands in the log of its source; undefined for one that comes from the failure queue. */
  readonly position: string | undefined;
  /** The failure that it was; undefined for one that comes from the log. */
  readonly failureId: string | undefined;
  /** How often it was delivered, in this process or in one that has ended. */
  attempts: number;
}

/** A position in the log that was read. */
interface ReadPosition {
  readonly position: string;
  readonly bytes: number;
  /** Called when all before it is settled. */
  onReached?: (() => void) | undefined;
  isSettled: boolean;
}

/** Events that are read and not settled, of all sources. */
export const mostPending = 500;
const mostBytes = 8 * 1024 * 1024;

/**
 * The events that a consumer has read and not settled. It gives out one of each subject at a time, and knows up to which
 * position of each source all are settled.
 */
export class Backlog {
  readonly #cursors: Record<string, string>;
  /** The positions of each source from the cursor on. */
  readonly #read = new Map<string, ReadPosition[]>();
  readonly #positions = new Map<PendingEvent, ReadPosition>();
  /** The events of each source and subject, in their order. The first one is ready, given out, or waits to be tried again. */
  readonly #subjects = new Map<string, PendingEvent[]>();
  readonly #ready: PendingEvent[] = [];
  #events = 0;
  #bytes = 0;

  constructor(cursors: Readonly<Record<string, string>>) {
    this.#cursors = { ...cursors };
  }

  /** The last position of each source before which all is settled. */
  get cursors(): Readonly<Record<string, string>> {
    return { ...this.#cursors };
  }

  /** Whether nothing more should be read before something is settled. */
  get isFull(): boolean {
    return this.#events >= mostPending || this.#bytes >= mostBytes;
  }

  add(pending: PendingEvent): void {
    const { event, position, text } = pending;
    if (position !== undefined)
      this.#positions.set(pending, this.#append(event.source, position, text.length));
    const subject = subjectOf(event);
    const waiting = this.#subjects.get(subject);
    if (waiting) waiting.push(pending);
    else {
      this.#subjects.set(subject, [pending]);
      this.#ready.push(pending);
    }
  }

  /** A position where nothing is to be done. `onReached` is called when all before it is settled. */
  pass(source: string, position: string, onReached?: () => void): void {
    Object.assign(this.#append(source, position, 0), { isSettled: true, onReached });
    this.#advance(source);
  }

  /** The next event to deliver. */
  take(): PendingEvent | undefined {
    return this.#ready.shift();
  }

  /** An event that was given out is to be given out again. */
  giveAgain(pending: PendingEvent): void {
    this.#ready.push(pending);
  }

  /** An event that was given out is done, or in the failure queue: the next one of its subject is ready. */
  settle(pending: PendingEvent): void {
    const { source } = pending.event;
    const subject = subjectOf(pending.event);
    const waiting = this.#subjects.get(subject)!;
    waiting.shift();
    if (waiting[0]) this.#ready.push(waiting[0]);
    else this.#subjects.delete(subject);
    const settled = this.#positions.get(pending);
    if (!settled) return;
    this.#positions.delete(pending);
    settled.isSettled = true;
    this.#advance(source);
  }

  #append(source: string, position: string, bytes: number): ReadPosition {
    const added: ReadPosition = { position, bytes, isSettled: false };
    const read = this.#read.get(source);
    if (read) read.push(added);
    else this.#read.set(source, [added]);
    this.#events++;
    this.#bytes += bytes;
    return added;
  }

  #advance(source: string): void {
    const read = this.#read.get(source)!;
    while (read[0]?.isSettled) {
      const { position, bytes, onReached } = read.shift()!;
      this.#cursors[source] = position;
      this.#events--;
      this.#bytes -= bytes;
      onReached?.();
    }
  }
}

const subjectOf = ({ source, subject }: DomainEvent): string => `${source} ${subject}`;
