import type { Source } from '../../gateway/subgraph-calls/contract/source';

/** A source whose answers the test gives. */
export class HeldSource<Each> implements Source<Each> {
  /** How many were asked for. */
  asked = 0;
  isClosed = false;
  readonly #given: (Each | undefined | Error)[] = [];
  #waiting: (() => void) | undefined;

  give(...each: readonly (Each | Error)[]): void {
    this.#given.push(...each);
    this.#waiting?.();
  }

  end(): void {
    this.#given.push(undefined);
    this.#waiting?.();
  }

  async next(): Promise<Each | undefined> {
    this.asked++;
    while (!this.isClosed && this.#given.length === 0)
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    if (this.isClosed) return undefined;
    const given = this.#given.shift();
    if (given instanceof Error) throw given;
    return given;
  }

  close(): void {
    this.isClosed = true;
    this.#waiting?.();
  }
}
