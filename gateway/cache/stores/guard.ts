import { type Clock, type Entry, type Look, type Store, StoreUnavailable } from './store';

export interface GuardOptions {
  /** Milliseconds that the store may take to answer. */
  readonly timeout: number;
  /** Called when the store goes away, with the reason, and when it is back. */
  readonly onChange: (state: 'away' | 'back', reason?: unknown) => void;
}

/**
 * A store over a network that may be away. Nothing takes longer than the timeout, and after the first failure nothing
 * waits at all until the store answers again. What could not be invalidated meanwhile is invalidated before anybody is
 * let in.
 *
 * A look waits no longer than some times what looks take as a rule; while one that took longer has no answer, others do
 * without the store: few wait for one that hangs.
 */
export class GuardedStore implements Store {
  readonly #store: Store;
  readonly #options: GuardOptions;
  /** Questions without an answer; each has one when the timeout is over. */
  readonly #asked = new Set<Promise<unknown>>();
  /** What may not be invalidated yet. */
  readonly #pending = new Set<string>();
  /** Milliseconds that looks took lately; unknown at first. */
  #usual = Infinity;
  /** Looks that nobody waits for any more, and that have no answer yet. */
  #late = 0;
  #isAway = false;
  #lastReason: unknown;
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
      this.#ask(() => this.#store.get(keys)).then((look) => {
        const took = performance.now() - began;
        this.#usual = this.#usual === Infinity ? took : this.#usual + (took - this.#usual) / 8;
        return look;
      }),
    );
  }

  set(entries: ReadonlyMap<string, Entry>, clock: Clock): Promise<void> {
    return this.#ask(() => this.#store.set(entries, clock));
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    if (this.#isAway) {
      // At once: it may be let in at any moment, and not with this forgotten.
      this.#remember(tags);
      throw new StoreUnavailable(this.#lastReason);
    }
    try {
      await this.#ask(() => this.#store.invalidate(tags));
    } catch (error) {
      this.#remember(tags);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    // What it was told last may be an invalidation.
    await Promise.allSettled(this.#asked);
    await this.#store.close();
  }

  async #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    if (this.#isAway) throw new StoreUnavailable(this.#lastReason);
    try {
      return await this.#inTime(question());
    } catch (error) {
      const reason = error instanceof StoreUnavailable ? error.cause : error;
      this.#leave(reason);
      throw new StoreUnavailable(reason);
    }
  }

  /** As the answer; but rejects, and goes on to wait for it, when it takes much longer than others did. */
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
    this.#options.onChange('away', reason);
    this.#probe(firstPause);
  }

  #probe(pause: number): void {
    this.#timer = setTimeout(() => {
      this.#return().catch(() => {
        if (!this.#closed) this.#probe(Math.min(2 * pause, longestPause));
      });
    }, pause).unref();
  }

  /** Lets everybody in again, once nothing waits to be invalidated; rejects when the store does not answer. */
  async #return(): Promise<void> {
    if (this.#pending.size === 0) await this.#inTime(this.#store.get([]));
    while (this.#pending.size > 0 && !this.#closed) {
      // Some at a time: all of them may take longer than the timeout, however often it is tried.
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
    const asked = new Promise<Answer>((resolve, reject) => {
      const late = () => reject(new Error(`It did not answer within ${timeout} ms.`));
      // An answer may have come while this process was busy with something else: it is read before this is called.
      const timer = setTimeout(() => setImmediate(late), timeout);
      answer.then(resolve, reject).finally(() => clearTimeout(timer));
    }).finally(() => this.#asked.delete(asked));
    this.#asked.add(asked);
    return asked;
  }
}

const slow = 'It takes much longer than it usually does.';

/** How much longer than usual a look may take; it always may take a quarter of the timeout. */
const timesUsual = 8;

/** Milliseconds between two attempts to reach the store. */
const firstPause = 20;
const longestPause = 1_000;

/** As many as one client of DynamoDB has connections: each tag is a request of its own there. */
const mostAtOnce = 50;

/** When more tags wait to be invalidated, everything does. */
const mostPending = 10_000;
