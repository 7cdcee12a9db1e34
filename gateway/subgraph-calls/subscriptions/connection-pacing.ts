export interface PacingOptions {
  /** How many connections may be opened in a second while the subgraph is not known to work. @default 20 */
  readonly perSecond?: number | undefined;
  /** Milliseconds before the second attempt to open one; each further attempt waits twice as long. @default 250 */
  readonly first?: number | undefined;
  /** The longest wait, in milliseconds: well below the time that subscriptions outlive their connection. @default 5000 */
  readonly longest?: number | undefined;
  /** From 0 to 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** How long a connection, or after a failure the subgraph, must have worked to count as stable, in milliseconds. */
const stableAfter = 10_000;

/**
 * Paces how connections of one subgraph are opened, so that a subgraph that comes back is not taken down by its
 * subscribers.
 *
 * - Those who share a connection wait together, by their key: they open it once. Each wait is up to twice the last,
 *   jittered between half and all of it. It holds for those who come later, too.
 * - At most `perSecond` connections are opened in a second, over all keys: those that are opened anew, and first ones while
 *   no connection is open. When all have failed, first ones are slowed until nobody waits, or the subgraph has worked for
 *   10 s. Otherwise they wait only until one connection is open.
 */
export class ConnectionPacing {
  readonly #options: { readonly [Name in keyof PacingOptions]-?: NonNullable<PacingOptions[Name]> };
  readonly #keys = new Map<string, PacedKey>();
  #queue: SharedWait[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** How many keys have an open connection. */
  #open = 0;
  /** How many keys wait. */
  #waiting = 0;
  /** Until when first connections are slowed, in milliseconds of `performance.now()`; `Infinity`: all connections failed. */
  #slowUntil = 0;

  constructor({ perSecond = 20, first = 250, longest = 5_000, random = Math.random }: PacingOptions = {}) {
    this.#options = { perSecond, first, longest, random };
  }

  /**
   * For one who opens the connection of this key, until it releases the pace.
   *
   * @param key undefined: nobody else shares the connection
   */
  hold(key: string | undefined): Pace {
    const paced = this.#pacedOf(key);
    paced.holders++;
    if (paced.state === 'idle') this.#begin(paced);
    let isHeld = true;
    return {
      get step() {
        return paced.step?.over;
      },
      failed: () => {
        if (isHeld) this.#failed(paced);
      },
      opened: () => {
        if (isHeld) this.#opened(paced);
      },
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--paced.holders === 0) this.#end(paced, key);
      },
    };
  }

  #pacedOf(key: string | undefined): PacedKey {
    let paced = key === undefined ? undefined : this.#keys.get(key);
    if (paced === undefined) {
      const nobody = { holders: 0, attempt: 0, openedAt: 0, notBefore: 0, step: undefined };
      paced = { ...nobody, state: 'idle', forgotten: undefined };
      if (key !== undefined) this.#keys.set(key, paced);
    }
    clearTimeout(paced.forgotten);
    return paced;
  }

  #begin(paced: PacedKey): void {
    const now = performance.now();
    if (paced.notBefore > now) this.#wait(paced, paced.notBefore - now);
    else if (this.#open > 0 && now >= this.#slowUntil) paced.state = 'opening';
    else this.#takeTurn(this.#stepOf(paced, true));
  }

  #failed(paced: PacedKey): void {
    if (paced.state !== 'opening' && paced.state !== 'open') return;
    const { first, longest, random } = this.#options;
    const now = performance.now();
    if (paced.state === 'open') {
      this.#open--;
      if (now - paced.openedAt > stableAfter) paced.attempt = 0;
    }
    if (this.#open === 0) this.#slowUntil = Infinity;
    const wait = (Math.min(longest, first * 2 ** paced.attempt) * (1 + random())) / 2;
    paced.attempt++;
    paced.notBefore = now + wait;
    this.#wait(paced, wait);
  }

  #opened(paced: PacedKey): void {
    if (paced.state !== 'opening') return;
    paced.state = 'open';
    const now = performance.now();
    paced.openedAt = now;
    this.#open++;
    if (this.#waiting === 0) this.#slowUntil = 0;
    else if (this.#slowUntil === Infinity) this.#slowUntil = now + stableAfter;
    if (now >= this.#slowUntil) this.#openFirst();
  }

  #end(paced: PacedKey, key: string | undefined): void {
    if (paced.state === 'open') this.#open--;
    if (paced.step === undefined) paced.state = 'idle';
    else paced.step.cancel();
    if (key === undefined) return;
    if (paced.attempt === 0) this.#keys.delete(key);
    else paced.forgotten = setTimeout(() => this.#keys.delete(key), this.#options.longest).unref();
  }

  #wait(paced: PacedKey, milliseconds: number): void {
    const step = this.#stepOf(paced, false);
    step.timer = setTimeout(() => this.#takeTurn(step), milliseconds).unref();
  }

  #stepOf(paced: PacedKey, isFirst: boolean): SharedWait {
    let resolve!: () => void;
    const over = new Promise<void>((resolved) => (resolve = resolved));
    const leave = (state: PacedKey['state']): void => {
      this.#waiting--;
      paced.step = undefined;
      paced.state = state;
    };
    const step: SharedWait = {
      ...{ over, isFirst, isGone: false, timer: undefined },
      end: () => {
        leave('opening');
        resolve();
      },
      cancel: () => {
        leave('idle');
        clearTimeout(step.timer);
        step.isGone = true;
      },
    };
    this.#waiting++;
    paced.state = 'waiting';
    paced.step = step;
    return step;
  }

  #takeTurn(step: SharedWait): void {
    this.#queue.push(step);
    this.#serve();
  }

  #serve(): void {
    if (this.#timer !== undefined) return;
    let step = this.#queue.shift();
    while (step?.isGone === true) step = this.#queue.shift();
    if (step === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#serve();
    }, 1000 / this.#options.perSecond).unref();
    step.end();
  }

  /** The subgraph works: those who wait for their first connection need not wait. */
  #openFirst(): void {
    const queue = this.#queue;
    this.#queue = queue.filter(({ isFirst }) => !isFirst);
    for (const step of queue) if (step.isFirst && !step.isGone) step.end();
  }
}

/** When one connection may be opened. */
export interface Pace {
  /** Resolves when it may be opened; undefined: now. */
  readonly step: Promise<void> | undefined;
  /** It could not be opened, or broke: the next attempt waits. Those who share it may all say so. */
  failed(): void;
  /** It is open. Those who share it may all say so: the first counts. */
  opened(): void;
  release(): void;
}

interface PacedKey {
  holders: number;
  attempt: number;
  state: 'idle' | 'waiting' | 'opening' | 'open';
  /** When it was opened last, in milliseconds of `performance.now()`. */
  openedAt: number;
  /** When its back-off is over, in milliseconds of `performance.now()`. */
  notBefore: number;
  /** Undefined unless it waits. */
  step: SharedWait | undefined;
  /** Runs while nobody holds it. */
  forgotten: NodeJS.Timeout | undefined;
}

/** One wait of those who share a connection. */
interface SharedWait {
  readonly over: Promise<void>;
  readonly isFirst: boolean;
  isGone: boolean;
  timer: NodeJS.Timeout | undefined;
  end(): void;
  cancel(): void;
}
