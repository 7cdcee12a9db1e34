/**
 * A stream of answers: events of a subgraph, the results of executing them, or the parts of an answer.
 *
 * It is no async generator: its `return` would wait until `next` has settled, so a source that waits for an event would
 * stay open after its reader has left.
 */
export interface Source<Each> {
  /**
   * The next answer, or undefined at the end. Called again only once it has settled. A source that rejects has ended.
   */
  next(): Promise<Each | undefined>;
  /** Ends the source at once: a pending `next`, and each later one, resolves with undefined. May be called again. */
  close(): void;
}

/** A source of one. */
export function sourceOf<Each>(only: Each): Source<Each> {
  let left: Each | undefined = only;
  return {
    next() {
      const next = left;
      left = undefined;
      return Promise.resolve(next);
    },
    close() {
      left = undefined;
    },
  };
}

/** A source with the result of a function for each answer of another source. */
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
