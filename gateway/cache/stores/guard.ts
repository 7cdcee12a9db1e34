import { type Clock, type CacheEntry, type Look, type Store, StoreUnavailable } from './store';

export interface GuardOptions {
  /** The store's timeout, in milliseconds. */
  readonly timeout: number;
  /** Called when the store becomes unavailable, with the reason, and when it is available again. */
  readonly onChange: (state: 'away' | 'back', reason?: unknown) => void;
  /** Called while it is unavailable, with each further reason that has another message. @default nothing */
  readonly onReason?: (reason: unknown) => void;
}

/**
 * Guards a store that may become unavailable. No operation takes longer than the timeout. After a failure all
 * operations fail at once until the store answers again. Invalidations that failed are repeated before the store is
 * used again.
 *
 * A look-up that takes much longer than usual also fails, and while it is unanswered, all others fail at once. So only
 * few requests wait for a store that hangs.
 */
export class GuardedStore implements Store {
  readonly #store: Store;
  readonly #options: GuardOptions;
  /** Operations in flight. Each settles within the timeout. */
  readonly #inFlight = new Set<Promise<unknown>>();
  /** Tags whose invalidation failed, so that it must be repeated. */
  readonly #pending = new Set<string>();
  /** The moving average of the time of look-ups, in milliseconds. `Infinity` until the first one. */
  #usual = Infinity;
  /** How many look-ups have failed as too slow and are still unanswered. */
  #late = 0;
  #isAway = false;
  #lastReason: unknown;
  /** The messages of the reasons since the store is unavailable. */
  readonly #reported = new Set<string>();
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, options: GuardOptions) {
    this.#store = store;
    this.#options = options;
  }

  get(keys: readonly string[]): Promise<Look> {
    if (this.#late > 0) return Promise.reject(new StoreUnavailable(new Error(slow)));
    const began = performance.now();
    return this.#patiently(
      this.#attempt(() => this.#store.get(keys)).then((look) => {
        const took = performance.now() - began;
        this.#usual = this.#usual === Infinity ? took : this.#usual + (took - this.#usual) / 8;
        return look;
      }),
    );
  }

  set(entries: ReadonlyMap<string, CacheEntry>, clock: Clock): Promise<void> {
    return this.#attempt(() => this.#store.set(entries, clock));
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    if (this.#isAway) {
      // Remembered synchronously, as the store may become available at any moment.
      this.#remember(tags);
      throw new StoreUnavailable(this.#lastReason);
    }
    try {
      await this.#attempt(() => this.#store.invalidate(tags));
    } catch (error) {
      this.#remember(tags);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    // Operations in flight may be invalidations.
    await Promise.allSettled(this.#inFlight);
    await this.#store.close();
  }

  async #attempt<Answer>(operation: () => Promise<Answer>): Promise<Answer> {
    if (this.#isAway) throw new StoreUnavailable(this.#lastReason);
    try {
      return await this.#inTime(operation());
    } catch (error) {
      const reason = error instanceof StoreUnavailable ? error.cause : error;
      this.#leave(reason);
      throw new StoreUnavailable(reason);
    }
  }

  /** Settles as the answer does, but rejects if it takes much longer than usual. */
  #patiently(answer: Promise<Look>): Promise<Look> {
    const { timeout } = this.#options;
    const patience = Math.ceil(Math.max(timeout / 4, timesUsual * this.#usual));
    if (patience >= timeout) return answer;
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      let isLate = false;
      const giveUp = (): void => {
        if (isAnswered) return;
        isLate = true;
        this.#late++;
        reject(new StoreUnavailable(new Error(slow)));
      };
      const timer = setTimeout(() => setImmediate(giveUp), patience);
      answer.then(resolve, reject).finally(() => {
        isAnswered = true;
        clearTimeout(timer);
        if (isLate) this.#late--;
      });
    });
  }

  #leave(reason: unknown): void {
    if (this.#isAway || this.#closed) return;
    this.#isAway = true;
    this.#lastReason = reason;
    this.#reported.clear();
    this.#reported.add(messageOf(reason));
    this.#options.onChange('away', reason);
    this.#probe(firstPause);
  }

  #probe(pause: number): void {
    this.#timer = setTimeout(() => {
      this.#return().catch((error: unknown) => {
        if (this.#closed) return;
        this.#stay(error instanceof StoreUnavailable ? error.cause : error);
        this.#probe(Math.min(2 * pause, longestPause));
      });
    }, pause).unref();
  }

  #stay(reason: unknown): void {
    this.#lastReason = reason;
    const message = messageOf(reason);
    if (this.#reported.has(message) || this.#reported.size === mostReasons) return;
    this.#reported.add(message);
    this.#options.onReason?.(reason);
  }

  /** Makes the store available again, after repeating the failed invalidations. Rejects if it does not answer. */
  async #return(): Promise<void> {
    if (this.#pending.size === 0) await this.#inTime(this.#store.get([]));
    while (this.#pending.size > 0 && !this.#closed) {
      // In batches: all tags at once might never finish within the timeout.
      const tags = [...this.#pending].slice(0, mostAtOnce);
      for (const tag of tags) this.#pending.delete(tag);
      try {
        await this.#inTime(this.#store.invalidate(tags));
      } catch (error) {
        this.#remember(tags);
        throw error;
      }
    }
    if (this.#closed) return;
    this.#isAway = false;
    this.#options.onChange('back');
  }

  #remember(tags: readonly string[]): void {
    for (const tag of tags) this.#pending.add(tag);
    if (this.#pending.size <= mostPending) return;
    this.#pending.clear();
    this.#pending.add('*');
  }

  #inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const { timeout } = this.#options;
    const answered = new Promise<Answer>((resolve, reject) => {
      const late = () => reject(new Error(`It did not answer within ${timeout} ms.`));
      // `setImmediate` lets the process first read an answer that arrived while the event loop was busy.
      const timer = setTimeout(() => setImmediate(late), timeout);
      answer.then(resolve, reject).finally(() => clearTimeout(timer));
    }).finally(() => this.#inFlight.delete(answered));
    this.#inFlight.add(answered);
    return answered;
  }
}

const messageOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

/** The most reasons that are reported while a store is unavailable. */
const mostReasons = 5;

const slow = 'It takes much longer than it usually does.';

/** A look-up is too slow if it takes this many times the average, and at least a quarter of the timeout. */
const timesUsual = 8;

/** Milliseconds between two attempts to reach the store. */
const firstPause = 20;
const longestPause = 1_000;

/** Tags per batch. In DynamoDB each tag is one request, and its client has 50 connections. */
const mostAtOnce = 50;

/** The most tags to remember. Beyond, everything is invalidated. */
const mostPending = 10_000;
