/** What comes one after the other, and waits to be read. */
export class Queue<Each> {
  readonly #waiting: Each[] = [];
  readonly #readers: ((each: Each) => void)[] = [];

  push(each: Each): void {
    const reader = this.#readers.shift();
    if (reader) reader(each);
    else this.#waiting.push(each);
  }

  /** The next one, as soon as it is there. */
  next(): Promise<Each> {
    if (this.#waiting.length > 0) return Promise.resolve(this.#waiting.shift()!);
    return new Promise((resolve) => this.#readers.push(resolve));
  }
}
