/** Whether a subgraph is down. Then requests with stale entities do not call it, but for one probe at a time. */
export class Outage {
  readonly #now: () => number;
  #isDown = false;
  #isTried = false;
  #nextTry = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a request that has stale entities may call the subgraph. */
  begin(): Attempt {
    if (!this.#isDown) return 'free';
    if (this.#isTried || this.#now() < this.#nextTry) return 'spared';
    this.#isTried = true;
    return 'trial';
  }

  /** Reports the outcome of an attempt. `unknown` is no sign of its health. */
  end(attempt: Attempt, outcome: 'answered' | 'failed' | 'unknown'): void {
    if (attempt === 'trial') this.#isTried = false;
    if (outcome === 'unknown') return;
    this.#isDown = outcome === 'failed';
    this.#nextTry = this.#now() + pause;
  }
}

/** `free`: the subgraph is up, call it. `trial`: probe the subgraph. `spared`: do not call it. */
export type Attempt = 'free' | 'trial' | 'spared';

/** Milliseconds between two probes. */
const pause = 1_000;
