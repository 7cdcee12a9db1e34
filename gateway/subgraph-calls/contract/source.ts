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

/** Calls a function once when a source has ended, however that is. */
export function whenEnded<Each>(source: Source<Each>, ended: () => void): Source<Each> {
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    ended();
  };
  return {
    async next() {
      try {
        const next = await source.next();
        if (next === undefined) end();
        return next;
      } catch (error) {
        end();
        throw error;
      }
    },
    close() {
      source.close();
      end();
    },
  };
}

/**
 * A stream of answers for a client, which are given as they come. Nobody asks for each: where one event goes to thousands of
 * clients, the promises for it would take a third as long as sending it does.
 */
export interface Flow<Each> {
  /**
   * Gives each answer to `take`, the next one when the promise that `take` may return has resolved. To be called once.
   * Resolves at the end, and when the flow is closed. Rejects if the flow fails, or `take` throws or rejects.
   */
  forEach(take: Take<Each>): Promise<void>;
  /** Ends the flow at once. May be called again. */
  close(): void;
}

/** Returns a promise that resolves when there is room for more; undefined where there is room. */
export type Take<Each> = (each: Each) => Promise<void> | undefined;

/** The answers of a source, read one after the other. */
export const flowOf = <Each>(source: Source<Each>): Flow<Each> => ({
  async forEach(take) {
    for (let each = await source.next(); each !== undefined; each = await source.next()) await take(each);
  },
  close() {
    source.close();
  },
});
