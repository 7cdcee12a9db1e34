/**
 * Signatures that a mutation was run for. One for a process, whatever its options become: none is good again after a
 * reload. Each is remembered until it is too old to be accepted; what is too old to be remembered is never accepted
 * again, also where options let signatures be older later.
 */
export class UsedSignatures {
  readonly #most: number;
  /** By the minute of their time. */
  readonly #minutes = new Map<number, Set<string>>();
  #size = 0;
  /** The last minute that was forgotten. */
  #forgotten = -Infinity;

  /** @param most how many are remembered: of 16 bytes each, some 64 MB in all */
  constructor(most = 1_000_000) {
    this.#most = most;
  }

  /**
   * Whether it is used for the first time; `full` when that could not be remembered.
   *
   * @param time Unix milliseconds, as the signature says it
   * @param lifetime for how many milliseconds after that it can be accepted
   */
  use(signature: Buffer, time: number, lifetime: number): 'first' | 'again' | 'full' {
    this.#forget(minuteOf(Date.now() - lifetime) - 1);
    const minute = minuteOf(time);
    if (minute <= this.#forgotten) return 'again';
    let used = this.#minutes.get(minute);
    // 128 bits are as hard to meet by chance as all of them.
    const key = signature.toString('latin1', 0, 16);
    if (used?.has(key) === true) return 'again';
    if (this.#size >= this.#most) return 'full';
    if (used === undefined) this.#minutes.set(minute, (used = new Set()));
    used.add(key);
    this.#size++;
    return 'first';
  }

  /** What was signed in this minute or before. */
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
