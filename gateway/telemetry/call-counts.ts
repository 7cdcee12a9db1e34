/**
 * Counts the subgraph calls of one client request. Each planned call is in exactly one of the other counts, except for
 * batched calls that failed together and were then sent alone.
 */
export interface CallCounts {
  /** Fetches of the plan that had something to request. */
  planned: number;
  /** Fetches that needed no call of their own, as another call of the same request had, or got, their data. */
  merged: number;
  /** Fetches that shared an identical call of another client request. */
  deduplicated: number;
  /** Fetches that were joined into a call of another client request, or into one HTTP request with others. */
  batched: number;
  /** Fetches that were answered from a cache. */
  cached: number;
  /**
   * Calls that were sent for this client request, retries included. A call that several requests share counts for the
   * first of them.
   */
  sent: number;
  /** The number of entities that a cache served stale, by subgraph. Undefined if there were none. */
  stale?: Record<string, number>;
}

export const noCalls = (): CallCounts => ({
  planned: 0,
  merged: 0,
  deduplicated: 0,
  batched: 0,
  cached: 0,
  sent: 0,
});
