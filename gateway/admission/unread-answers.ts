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
  readonly inFlight: Iterable<{ readonly sink: Pick<Sink, 'download'> }>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not read from filling the memory with their answers. Bytes in the socket buffers of the
 * operating system count as read, and a body that several connections share counts once. Cuts just enough connections:
 *
 * - while more than half of the limit waits: those that read less than `rate`, largest backlog first;
 * - while more than the limit waits: those that have taken nothing for a moment, then those on which data has waited for
 *   a second;
 * - while more than twice the limit waits: any, but for what is new since the last check.
 *
 * Of the last three, those come first that have held the most for the longest. To be called also whenever many bytes
 * are about to be written, so that little more than twice the limit ever waits.
 */
export class UnreadAnswers {
  readonly #options: UnreadAnswersOptions;
  #readers = new Map<ClientConnection, UnreadConnection>();

  constructor(options: UnreadAnswersOptions) {
    this.#options = options;
  }

  look(now: number): void {
    const { limit, rate, time, logger } = this.#options;
    let bytes = this.#readAll(now);
    const readers = [...this.#readers.values()].sort((one, other) => other.kept - one.kept);
    let cut = 0;
    const cutDownTo = (most: number, some: readonly UnreadConnection[]): void => {
      for (const reader of some) {
        if (bytes <= most) return;
        if (reader.isCut) continue;
        bytes -= reader.cut();
        cut++;
      }
    };
    const cutLongest = (most: number, since: (reader: UnreadConnection) => number, least: number): void => {
      if (bytes <= most) return;
      const held = (reader: UnreadConnection): number => reader.kept * (now - since(reader));
      const some = readers.filter((each) => now - since(each) >= least);
      cutDownTo(
        most,
        some.sort((one, other) => held(other) - held(one)),
      );
    };
    const isSlow = (reader: UnreadConnection): boolean => {
      const read = reader.readIn(time, now);
      return read !== undefined && read < (rate * time) / 1000;
    };
    // Called for every reader, as `isSlow` also restarts the averaging when its time is over.
    cutDownTo(limit / 2, readers.filter(isSlow));
    cutLongest(limit, ({ stalledSince }) => stalledSince, stall);
    cutLongest(limit, ({ since }) => since, patience);
    cutLongest(2 * limit, ({ since }) => since, Number.MIN_VALUE);
    if (cut > 0)
      logger.warn(
        { connections: cut, limit: 'overload.unread' },
        'clients do not read their answers: connections were cut',
      );
  }

  /** @returns how many bytes wait */
  #readAll(now: number): number {
    const { inFlight, least } = this.#options;
    const readers = new Map<ClientConnection, UnreadConnection>();
    const bodies = new Map<Buffer, HeldBody>();
    let bytes = 0;
    for (const { sink } of inFlight) {
      const { download } = sink;
      const waiting = download?.waiting ?? 0;
      if (download === undefined || waiting === 0) continue;
      const { connection, shared } = download;
      if (connection.destroyed) continue;
      let reader = readers.get(connection);
      if (reader === undefined) {
        reader = this.#readers.get(connection) ?? new UnreadConnection(connection, now);
        reader.look(now);
        readers.set(connection, reader);
      }
      const ofBody = waiting <= least ? 0 : Math.min(waiting, shared?.length ?? 0);
      const own = Math.max(waiting - ofBody, least);
      reader.own += own;
      bytes += own;
      if (shared === undefined || ofBody === 0) continue;
      let body = bodies.get(shared);
      if (body === undefined) bodies.set(shared, (body = { size: 0, holders: 0 }));
      body.size = Math.max(body.size, ofBody);
      body.holders++;
      reader.bodies.push(body);
    }
    this.#readers = readers;
    for (const { size } of bodies.values()) bytes += size;
    for (const reader of readers.values()) reader.weigh();
    return bytes;
  }
}

/** Milliseconds without a byte taken after which a connection counts as stalled. */
const stall = 100;
/** Milliseconds that data may wait before its connection can be cut. */
const patience = 1000;

/** A body of which so many bytes wait, for so many answers. */
interface HeldBody {
  size: number;
  holders: number;
}

class UnreadConnection {
  /** Bytes that wait on the connection, or count as if they did, and its share of bodies. */
  kept = 0;
  /** Bytes that wait for nobody else. */
  own = 0;
  bodies: HeldBody[] = [];
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
    this.own = 0;
    this.bodies = [];
    const taken = takenBy(this.#connection);
    if (taken > this.#taken) this.stalledSince = now;
    this.#taken = taken;
  }

  /** Bytes that were taken in the last `time` milliseconds, once per such period; undefined before its end. */
  readIn(time: number, now: number): number | undefined {
    const { at, taken } = this.#mark;
    if (now - at < time) return undefined;
    this.#mark = { at: now, taken: this.#taken };
    return ((this.#taken - taken) * time) / (now - at);
  }

  /** To be called when all holders of its bodies are known. */
  weigh(): void {
    this.kept = this.own;
    for (const { size, holders } of this.bodies) this.kept += size / holders;
  }

  /** @returns how many bytes wait no more: a body waits until none of its holders is left */
  cut(): number {
    this.isCut = true;
    this.#connection.destroy();
    let bytes = this.own;
    for (const body of this.bodies) if (--body.holders === 0) bytes += body.size;
    return bytes;
  }
}

/** Bytes of a connection that the operating system has taken. For a write in progress, only what Node itself counts. */
function takenBy(connection: ClientConnection): number {
  const { _handle: handle } = (connection.socket ?? connection) as { readonly _handle?: SocketHandle | null };
  return handle == null ? 0 : handle.bytesWritten - handle.writeQueueSize;
}

interface SocketHandle {
  readonly bytesWritten: number;
  /** Bytes of writes in progress. */
  readonly writeQueueSize: number;
}
