import type { ClientConnection, Sink } from '../request/sink';
import type { Logger } from '../telemetry/logger';

export interface UnreadAnswersOptions {
  /** The most bytes of unread answers in this process. */
  readonly limit: number;
  /** The bytes that an unread answer counts as at least, so that there are not too many small ones. */
  readonly least: number;
  /** The slowest rate at which a client may read, in bytes per second. */
  readonly rate: number;
  /** Milliseconds over which the rate is averaged. */
  readonly time: number;
  /** The requests in flight. */
  readonly inFlight: Iterable<{ readonly sink: Pick<Sink, 'download'> }>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not read from filling the memory with their answers. Bytes in the socket buffers of the
 * operating system count as read. Cuts just enough connections:
 *
 * - while more than half of the limit waits: those that read less than `rate`, largest backlog first;
 * - while more than the limit waits: those that have taken nothing for the longest, then those on which data has waited
 *   for a second.
 *
 * New data has time until the next check. If twice the limit waits nevertheless, no more requests should be admitted.
 */
export class UnreadAnswers {
  /** Whether twice the limit waits, so that no more requests should be admitted. */
  isTooMuch = false;
  readonly #options: UnreadAnswersOptions;
  #readers = new Map<ClientConnection, Reader>();

  constructor(options: UnreadAnswersOptions) {
    this.#options = options;
  }

  /** Called a few times per second. */
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
    // Called for every reader, as `isSlow` also restarts the averaging when its time is over.
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
      reader.kept += Math.max(waiting, this.#options.least);
    }
    return readers;
  }
}

/** Milliseconds that data may wait before its connection can be cut. */
const patience = 1000;

/** A connection with unread data. */
class Reader {
  /** Bytes that wait on the connection, or count as if they did. */
  kept = 0;
  isCut = false;
  /** Since when no byte was taken, in milliseconds. */
  stalledSince: number;
  /** Since when data has waited, in milliseconds. */
  readonly since: number;
  readonly #connection: ClientConnection;
  #taken: number;
  /** When the averaging began, and how many bytes had been taken by then. */
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

  /**
   * Bytes that were taken in the last `time` milliseconds. Returned once per such period, and undefined before its end.
   */
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

/** Bytes of a connection that the operating system has taken. For a write in progress, only what Node itself counts. */
function takenBy(connection: ClientConnection): number {
  const { _handle: handle } = (connection.socket ?? connection) as { readonly _handle?: Handle | null };
  return handle == null ? 0 : handle.bytesWritten - handle.writeQueueSize;
}

interface Handle {
  readonly bytesWritten: number;
  /** Bytes of writes in progress. */
  readonly writeQueueSize: number;
}
