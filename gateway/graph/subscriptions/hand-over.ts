import type { SubgraphEvent } from '../../subgraph-calls/contract/transport';

/**
 * How a source takes over from one at another subgraph, from which no position can be replayed. The old one is read on, as
 * events may be on their way that the new one does not have, until it gives the event that the new one begins with. What both
 * have given is known by its position.
 */
export class HandOver {
  /** Positions that the old source has given since the new one was opened, the newest last. */
  readonly #given = new Set<string>();
  /** The position that the new source begins with. */
  #first: string | undefined;
  #onFirst: (() => void) | undefined;
  #stop: (() => void) | undefined;

  /** Notes an event of the old source. */
  note({ position }: SubgraphEvent): void {
    if (position === undefined) return;
    this.#given.add(position);
    if (this.#given.size > mostKnown) this.#given.delete(this.#given.values().next().value!);
    if (position === this.#first) this.#onFirst?.();
  }

  /** Whether the old source has given this event of the new one. */
  hasGiven({ position }: SubgraphEvent): boolean {
    return position !== undefined && this.#given.has(position);
  }

  /** Resolves when the old source is not needed any more. @param first the first event of the new one */
  async over(first: Promise<SubgraphEvent | undefined>): Promise<void> {
    const event = await this.#within(mostQuiet, first);
    if (event?.position === undefined || this.hasGiven(event)) return;
    this.#first = event.position;
    await this.#within(
      patience,
      new Promise<undefined>((resolve) => (this.#onFirst = () => resolve(undefined))),
    );
  }

  /** Ends a wait. */
  stop(): void {
    this.#stop?.();
  }

  #within<Result>(milliseconds: number, result: Promise<Result>): Promise<Result | undefined> {
    return new Promise((resolve) => {
      const done = (value?: Result): void => {
        clearTimeout(timer);
        resolve(value);
      };
      const timer = setTimeout(done, milliseconds).unref();
      this.#stop = done;
      result.then(done, () => done());
    });
  }
}

/** Milliseconds without an event of the new source: nothing is on its way any more. */
const mostQuiet = 5_000;
/** Milliseconds for which the old source may be late. */
const patience = 1_000;
/** More than wait at a source. */
const mostKnown = 1_000;
