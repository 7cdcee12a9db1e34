/**
 * Answers that come one after the other: events of a subgraph, what is executed for each, the parts of an answer.
 *
 * Not an async generator, whose `return` waits until its `next` has settled: a source that waits for an event would stay
 * open after its reader has left.
 */
export interface Source<Each> {
  /** The next one, or undefined at the end. Asked for one at a time. What rejects has ended. */
  next(): Promise<Each | undefined>;
  /** Ends it at once: a `next` that is waited for, and each after it, is the end. May be called again. */
  close(): void;
}

/** A source of what is made of each of another. */
export function mapSource<From, To>(
  source: Source<From>,
  change: (each: From) => To | Promise<To>,
): Source<To> {
  let isClosed = false;
  return {
    async next() {
      const each = await source.next();
      if (each === undefined) return undefined;
      const changed = await change(each);
      return isClosed ? undefined : changed;
    },
    close() {
      isClosed = true;
      source.close();
    },
  };
}
