import { setTimeout as delay } from 'node:timers/promises';

/** Lets a number of graphs open as soon as they are requested, and then one a second. */
export class Pace {
  readonly #atOnce: number;
  /** When the next one may open, in milliseconds of `performance.now()`: earlier if few have opened. */
  #nextAt = -Infinity;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Milliseconds until another graph may open; below 0 if several may. */
  get wait(): number {
    return Math.max(this.#nextAt - performance.now(), -this.#atOnce * openEvery);
  }

  /** Waits until another graph may open. */
  async turn(): Promise<void> {
    const { wait } = this;
    this.#nextAt = performance.now() + wait + openEvery;
    if (wait > 0) await delay(wait, undefined, { ref: false });
  }
}

/** Milliseconds. */
const openEvery = 1000;
