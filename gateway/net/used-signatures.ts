/**
 * The signatures with which mutations were run. One per process, so that no signature can be used again after a reload
 * of options. Each is remembered until it is too old to be accepted. A signature that is too old to be remembered is
 * never accepted, even if later options accept older signatures.
 */
export class UsedSignatures {
  readonly #most: number;
  /** Signatures by the minute of their time. */
  readonly #minutes = new Map<number, Set<string>>();
  #size = 0;
  /** The last minute whose signatures were dropped. */
  #forgotten = -Infinity;

  /** @param most how many are remembered, of 16 bytes each; about 64 MB in total */
  constructor(most = 1_000_000) {
    this.#most = most;
  }

  /**
   * Marks a signature as used. Returns whether this is its first use, or `full` if it could not be remembered.
   *
   * @param time Unix milliseconds in the signature
   * @param lifetime milliseconds after that in which it is accepted
   */
  use(signature: Buffer, time: number, lifetime: number): 'first' | 'again' | 'full' {
    this.#forget(minuteOf(Date.now() - lifetime) - 1);
    const minute = minuteOf(time);
    if (minute <= this.#forgotten) return 'again';
    let used = this.#minutes.get(minute);
    // 128 bits are enough, as a collision by chance is practically impossible.
    const key = signature.toString('latin1', 0, 16);
    if (used?.has(key) === true) return 'again';
    if (this.#size >= this.#most) return 'full';
    if (used === undefined) this.#minutes.set(minute, (used = new Set()));
    used.add(key);
    this.#size++;
    return 'first';
  }

  /** Drops the signatures of this minute and earlier ones. */
  #forget(last: number): void {
    if (last <= this.#forgotten) return;
    this.#forgotten = last;
    for (const [minute, { size }] of this.#minutes) {
      if (minute > last) continue;
      this.#minutes.delete(minute);
      this.#size -= size;
    }
  }
}

const minuteOf = (time: number): number => Math.floor(time / 60_000);
