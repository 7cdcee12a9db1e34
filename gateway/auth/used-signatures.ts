/**
 * Signatures that a mutation was run for. Each is remembered until it is too old to be accepted: the oldest are dropped
 * together, so that remembering one costs no timer.
 */
export class UsedSignatures {
  readonly #window: number;
  #current = new Set<string>();
  #previous = new Set<string>();
  #since = Date.now();

  /** @param window Milliseconds for which a signature can be accepted, from the first time that it is seen. */
  constructor(window: number) {
    this.#window = window;
  }

  /** Whether it is used for the first time. */
  use(signature: string): boolean {
    const now = Date.now();
    if (now - this.#since > this.#window) {
      this.#previous = now - this.#since > 2 * this.#window ? new Set() : this.#current;
      this.#current = new Set();
      this.#since = now;
    }
    if (this.#current.has(signature) || this.#previous.has(signature)) return false;
    this.#current.add(signature);
    return true;
  }
}
