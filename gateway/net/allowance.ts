export interface AllowanceOptions {
  readonly atOnce: number;
  readonly inSecond: number;
}

/** How often something may happen: so often at once, and so often in a second after that (a token bucket). */
export class Allowance {
  readonly #allowed: AllowanceOptions;
  #left: number;
  #countedAt = performance.now();

  constructor(allowed: AllowanceOptions) {
    this.#allowed = allowed;
    this.#left = allowed.atOnce;
  }

  /** Takes one token. Returns false if there is none. */
  take(now: number): boolean {
    const { atOnce, inSecond } = this.#allowed;
    this.#left = Math.min(atOnce, this.#left + ((now - this.#countedAt) / 1000) * inSecond);
    this.#countedAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
