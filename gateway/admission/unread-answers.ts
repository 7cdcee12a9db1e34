import type { ClientConnection, Sink } from '../request/sink';
import type { Logger } from '../telemetry/logger';

export interface UnreadAnswersOptions {
  /** Bytes of answers that may wait in this process for longer than a moment. */
  readonly limit: number;
  /** Bytes in a second that a client reads at least. */
  readonly rate: number;
  /** Milliseconds over which it is averaged. */
  readonly time: number;
  /** The requests whose answers are not read yet. */
  readonly inFlight: Iterable<{ readonly sink: Pick<Sink, 'download'> }>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not read from filling the memory with their answers. What the system's socket buffers take counts
 * as read. Cuts just enough connections:
 *
 * - while more than half of the limit waits: those that read less than `rate`, largest backlog first;
 * - while more than the limit waits: those that have taken nothing for the longest, then those on which data has waited
 *   for a second.
 *
 * New data is given time until the next look. If twice the limit waits nevertheless, nothing should be added to it.
 */
export class UnreadAnswers {
  /** Whether twice the limit waits, so that nothing should be added to it. */
  isTooMuch = false;
  readonly #options: UnreadAnswersOptions;
  #readers = new Map<ClientConnection, Reader>();

  constructor(options: UnreadAnswersOptions) {
    this.#options = options;
  }

  /** To be called a few times in a second. */
  look(now: number): void {
    const { limit, rate, time, logger } = this.#options;
    this.#readers = this.#readersOf(now);
    const readers = [...this.#readers.values()].sort((one, other) => other.kept - one.kept);
    let bytes = readers.reduce((sum, { kept }) => sum + kept, 0);
    let cut = 0;
    const cutDownTo = (most: number, some: readonly Reader[]): void => {
      for (const reader of some) {
        if (bytes <= most) return;
        if (reader.isCut) continue;
        reader.cut();
        bytes -= reader.kept;
        cut++;
      }
    };
    const isSlow = (reader: Reader): boolean => {
      const read = reader.readIn(time, now);
      return read !== undefined && read < (rate * time) / 1000;
    };
    // Each is asked: the time begins anew when it is over.
    cutDownTo(limit / 2, readers.filter(isSlow));
    cutDownTo(
      limit,
      readers.filter((each) => each.stalledSince < now).sort((a, b) => a.stalledSince - b.stalledSince),
    );
    cutDownTo(
      limit,
      readers.filter(({ since }) => now - since >= patience),
    );
    this.isTooMuch = bytes > 2 * limit;
    if (cut > 0) logger.warn({ connections: cut }, 'clients do not read their answers: connections were cut');
  }

  #readersOf(now: number): Map<ClientConnection, Reader> {
    const readers = new Map<ClientConnection, Reader>();
    for (const { sink } of this.#options.inFlight) {
      const { download } = sink;
      if (download === undefined || download.waiting === 0) continue;
      const { connection, waiting } = download;
      if (connection.destroyed) continue;
      let reader = readers.get(connection);
      if (reader === undefined) {
        reader = this.#readers.get(connection) ?? new Reader(connection, now);
        reader.look(now);
        readers.set(connection, reader);
      }
      reader.kept += waiting;
    }
    return readers;
  }
}

/** Milliseconds. */
const patience = 1000;

/** A connection on which something waits. */
class Reader {
  /** Bytes that wait. */
  kept = 0;
  isCut = false;
  /** Since when nothing of it was taken. */
  stalledSince: number;
  /** Since when something has waited. */
  readonly since: number;
  readonly #connection: ClientConnection;
  #taken: number;
  /** When the time began over which is averaged, and what had been taken until then. */
  #mark: { readonly at: number; readonly taken: number };

  constructor(connection: ClientConnection, now: number) {
    this.#connection = connection;
    this.#taken = takenBy(connection);
    this.since = this.stalledSince = now;
    this.#mark = { at: now, taken: this.#taken };
  }

  look(now: number): void {
    this.kept = 0;
    const taken = takenBy(this.#connection);
    if (taken > this.#taken) this.stalledSince = now;
    this.#taken = taken;
  }

  /** Bytes that were taken in the last `time` milliseconds, once for each of them; undefined before they are over. */
  readIn(time: number, now: number): number | undefined {
    const { at, taken } = this.#mark;
    if (now - at < time) return undefined;
    this.#mark = { at: now, taken: this.#taken };
    return ((this.#taken - taken) * time) / (now - at);
  }

  cut(): void {
    this.isCut = true;
    this.#connection.destroy();
  }
}

/** Bytes that the system has taken of a connection. A part of a write is seen only where Node itself counts it. */
function takenBy(connection: ClientConnection): number {
  const { _handle: handle } = (connection.socket ?? connection) as { readonly _handle?: Handle | null };
  return handle == null ? 0 : handle.bytesWritten - handle.writeQueueSize;
}

interface Handle {
  readonly bytesWritten: number;
  /** Bytes of writes that are under way. */
  readonly writeQueueSize: number;
}
