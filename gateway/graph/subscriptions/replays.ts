import type { PreparedSubscription } from './prepared';
import type { ReadExecution, SubscriptionReader } from './reader';
import type { SharedExecution } from './shared-execution';

/** Begins one from a position, for these readers. */
type BeginReplay = (
  prepared: PreparedSubscription,
  readers: readonly [SubscriptionReader, ...SubscriptionReader[]],
  after: string,
) => SharedExecution;

/**
 * Clients that come back with different cursors to what has the same answers. Who knows the events after a cursor gives them
 * from its history. Otherwise one replays at a time, and the others wait: where it comes to the position of one of them, that
 * one joins it; where it comes to one that another execution knows, it gives that one its readers. So an event is executed
 * once. Those that no replay meets begin one after the other.
 */
export class Replays {
  readonly #begin: BeginReplay;
  /** Called when none runs, and nobody waits. */
  readonly #onEmpty: () => void;
  readonly #waiting = new Map<string, WaitingReaders>();
  /** Of the one whose turn it is. */
  #timer: NodeJS.Timeout | undefined;
  #endOfTurn = 0;
  /** Whether another generation has them, which has not decided yet whether its clients may go on. */
  #isFlushed = false;
  #running: SharedExecution | undefined;
  /** Those that have begun. */
  readonly #all = new Set<SharedExecution>();

  constructor(begin: BeginReplay, onEmpty: () => void) {
    this.#begin = begin;
    this.#onEmpty = onEmpty;
  }

  /** Resolves when the reader has its events; rejects with a `GraphQLError`. Releases what was prepared if it is not needed. */
  async read(prepared: PreparedSubscription, reader: SubscriptionReader, after: string): Promise<void> {
    for (const replay of this.#all)
      if (replay.catchUp(reader, after)) {
        prepared.release();
        return replay.opened;
      }
    if (this.#running === undefined) return this.#run(prepared, [reader], after);
    const known = this.#waiting.get(after);
    if (known !== undefined) {
      prepared.release();
      return known.add(reader);
    }
    const waiting = new WaitingReaders(prepared, () => {
      this.#waiting.delete(after);
      prepared.release();
    });
    this.#waiting.set(after, waiting);
    return waiting.add(reader);
  }

  /** To be called when a replay has begun an event, before it begins another one. */
  at(replay: SharedExecution, position: string): void {
    if (this.#isFlushed) return;
    const met = this.#waiting.get(position);
    if (met !== undefined) {
      this.#waiting.delete(position);
      met.prepared.release();
      for (const reader of met.readers) replay.join(reader);
      met.settle(replay.opened);
    }
    if (replay === this.#running) this.#endTurnAfter(quiet);
    for (const other of this.#all)
      if (other !== replay && other.knows(position)) {
        replay.handOverTo(other, position);
        return;
      }
  }

  ended(replay: SharedExecution): void {
    this.#all.delete(replay);
    if (replay === this.#running) this.#next();
    else this.#endWhenEmpty();
  }

  /** Has all begin that wait. From then on each goes on by itself. */
  flush(): void {
    this.#isFlushed = true;
    clearTimeout(this.#timer);
    for (const [after, waiting] of this.#waiting) {
      this.#waiting.delete(after);
      waiting.settle(this.#begun(waiting.prepared, waiting.all, after).opened);
    }
  }

  async #run(
    prepared: PreparedSubscription,
    readers: readonly [SubscriptionReader, ...SubscriptionReader[]],
    after: string,
  ): Promise<void> {
    this.#endOfTurn = performance.now() + longestTurn;
    const running = this.#begun(prepared, readers, after);
    this.#running = running;
    const opened = running.opened.finally(() => {
      if (running === this.#running) this.#endTurnAfter(quiet);
    });
    return opened;
  }

  #begun(...of: Parameters<BeginReplay>): SharedExecution {
    const replay = this.#begin(...of);
    this.#all.add(replay);
    return replay;
  }

  #endWhenEmpty(): void {
    if (this.#all.size + this.#waiting.size === 0) this.#onEmpty();
  }

  #endTurnAfter(milliseconds: number): void {
    clearTimeout(this.#timer);
    const left = Math.max(0, this.#endOfTurn - performance.now());
    this.#timer = setTimeout(() => this.#next(), Math.min(milliseconds, left)).unref();
  }

  #next(): void {
    clearTimeout(this.#timer);
    this.#running = undefined;
    const after = earliest(this.#waiting.keys());
    const waiting = after === undefined ? undefined : this.#waiting.get(after);
    if (after === undefined || waiting === undefined) {
      this.#endWhenEmpty();
      return;
    }
    this.#waiting.delete(after);
    waiting.settle(this.#run(waiting.prepared, waiting.all, after));
  }
}

/** Readers that have the same position. At least one, until the last one has left. */
class WaitingReaders implements ReadExecution {
  readonly prepared: PreparedSubscription;
  readonly answeredAt = 0;
  readonly readers = new Set<SubscriptionReader>();
  readonly #onEmpty: () => void;
  readonly #opened: Promise<void>;
  settle!: (opened: Promise<void>) => void;

  constructor(prepared: PreparedSubscription, onEmpty: () => void) {
    this.prepared = prepared;
    this.#onEmpty = onEmpty;
    this.#opened = new Promise((resolve) => (this.settle = resolve));
  }

  get all(): readonly [SubscriptionReader, ...SubscriptionReader[]] {
    return [...this.readers] as [SubscriptionReader, ...SubscriptionReader[]];
  }

  add(reader: SubscriptionReader): Promise<void> {
    this.readers.add(reader);
    reader.execution = this;
    return this.#opened;
  }

  leave(reader: SubscriptionReader): void {
    if (!this.readers.delete(reader) || this.readers.size > 0) return;
    this.settle(Promise.resolve());
    this.#onEmpty();
  }
}

/** Most likely the earliest, as positions mostly are counts or times. Another order costs replays, no event. */
function earliest(positions: Iterable<string>): string | undefined {
  let first: string | undefined;
  for (const each of positions)
    if (first === undefined || each.length < first.length || (each.length === first.length && each < first))
      first = each;
  return first;
}

/** Milliseconds without an event, after which a replay is over. */
const quiet = 50;
/** Milliseconds after which another one begins, whether it is over or not. */
const longestTurn = 500;
