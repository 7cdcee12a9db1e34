/** Counts who still needs a thing that is to be closed. */
export class Holders {
  #count = 0;
  #onNone: (() => void) | undefined;
  #isClosed = false;

  get count(): number {
    return this.#count;
  }

  /** Keeps the thing open until the function that it returns is called. */
  hold(): () => void {
    this.#count++;
    return () => {
      this.#count--;
      this.#look();
    };
  }

  /** Calls a function once, as soon as nobody holds the thing: perhaps at once. */
  whenNone(onNone: () => void): void {
    this.#onNone = onNone;
    this.#look();
  }

  #look(): void {
    if (this.#onNone === undefined || this.#count > 0 || this.#isClosed) return;
    this.#isClosed = true;
    this.#onNone();
  }
}
