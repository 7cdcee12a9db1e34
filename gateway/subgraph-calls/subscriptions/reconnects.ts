export interface ReconnectsOptions {
  /** How many connections may be opened anew in a second. @default 20 */
  readonly perSecond?: number | undefined;
  /** Milliseconds before the second attempt to open one; each further attempt waits twice as long. @default 250 */
  readonly first?: number | undefined;
  /** The longest wait, in milliseconds. @default 30000 */
  readonly longest?: number | undefined;
  /** From 0 to 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** How long a connection must have lived for the next wait to be short again, in milliseconds. */
const stableAfter = 10_000;

/**
 * Paces how connections of one subgraph are opened anew, so that a subgraph that comes back is not taken down by its
 * subscribers. Those who share a connection wait together, by their key: they open it once. Each wait is up to twice the
 * last, jittered between half and all of it. At most `perSecond` waits end per second, over all keys.
 */
export class Reconnects {
  readonly #options: { readonly [Name in keyof ReconnectsOptions]-?: NonNullable<ReconnectsOptions[Name]> };
  readonly #keys = new Map<string, Pacing>();
  readonly #queue: Slot[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor({
    perSecond = 20,
    first = 250,
    longest = 30_000,
    random = Math.random,
  }: ReconnectsOptions = {}) {
    this.#options = { perSecond, first, longest, random };
  }

  /** For one who opens the connection of this key, until it gives the pace back. */
  hold(key: string): Pace {
    let pacing = this.#keys.get(key);
    if (pacing === undefined)
      this.#keys.set(key, (pacing = { holders: 0, attempt: 0, openedAt: -Infinity, step: undefined }));
    pacing.holders++;
    let isHeld = true;
    return {
      get step() {
        return pacing.step?.over;
      },
      failed: () => {
        if (isHeld && pacing.step === undefined) this.#begin(pacing);
      },
      opened: () => {
        if (isHeld && pacing.openedAt === Infinity) pacing.openedAt = performance.now();
      },
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--pacing.holders > 0) return;
        this.#keys.delete(key);
        pacing.step?.cancel();
      },
    };
  }

  #begin(pacing: Pacing): void {
    const { first, longest, random } = this.#options;
    if (performance.now() - pacing.openedAt > stableAfter) pacing.attempt = 0;
    const wait = (Math.min(longest, first * 2 ** pacing.attempt) * (1 + random())) / 2;
    pacing.attempt++;
    let end!: () => void;
    const over = new Promise<void>((resolve) => {
      end = () => {
        pacing.step = undefined;
        pacing.openedAt = Infinity;
        resolve();
      };
    });
    const slot: Slot = { take: end, isGone: false };
    const timer = setTimeout(() => {
      this.#queue.push(slot);
      this.#serve();
    }, wait).unref();
    pacing.step = {
      over,
      cancel: () => {
        clearTimeout(timer);
        slot.isGone = true;
      },
    };
  }

  #serve(): void {
    if (this.#timer !== undefined) return;
    let slot = this.#queue.shift();
    while (slot?.isGone === true) slot = this.#queue.shift();
    if (slot === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#serve();
    }, 1000 / this.#options.perSecond).unref();
    slot.take();
  }
}

/** When one connection may be opened. */
export interface Pace {
  /** Resolves when it may be opened anew; undefined: now. */
  readonly step: Promise<void> | undefined;
  /** It could not be opened, or broke: the next attempt waits. Those who share it may all say so. */
  failed(): void;
  /** It is open. Those who share it may all say so: the first counts. */
  opened(): void;
  release(): void;
}

interface Pacing {
  holders: number;
  attempt: number;
  /**
   * When the connection was opened after the last wait, in milliseconds of `performance.now()`; `Infinity`: it was not;
   * `-Infinity`: there was no wait.
   */
  openedAt: number;
  step: { readonly over: Promise<void>; cancel(): void } | undefined;
}

interface Slot {
  readonly take: () => void;
  isGone: boolean;
}
