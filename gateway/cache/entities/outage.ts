/**
 * Whether a subgraph is down. While it is, requests that have stale entities to serve do not call it, except for one at a
 * time, at intervals, that tests whether it is back.
 */
export class Outage {
  readonly #now: () => number;
  #isDown = false;
  #isTried = false;
  #nextTry = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What is to be done by who can do without the subgraph. */
  begin(): Attempt {
    if (!this.#isDown) return 'free';
    if (this.#isTried || this.#now() < this.#nextTry) return 'spared';
    this.#isTried = true;
    return 'trial';
  }

  /** What came of an attempt; `unknown` says nothing of the subgraph. */
  end(attempt: Attempt, outcome: 'answered' | 'failed' | 'unknown'): void {
    if (attempt === 'trial') this.#isTried = false;
    if (outcome === 'unknown') return;
    this.#isDown = outcome === 'failed';
    this.#nextTry = this.#now() + pause;
  }
}

/** `free` to call the subgraph, the one that tries whether it is back, or to be `spared`. */
export type Attempt = 'free' | 'trial' | 'spared';

/** Milliseconds between two attempts. */
const pause = 1_000;
