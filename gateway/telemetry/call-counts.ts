/**
 * What became of the subgraph calls of one client request. Each call that was planned is in one of the other counts,
 * but for those that failed together and were then sent alone.
 */
export interface CallCounts {
  /** Fetches of the plan that had something to ask for. */
  planned: number;
  /** They asked for nothing that the same request had not asked for already, or went within another call of it. */
  merged: number;
  /** They waited for the same call of another client request. */
  deduplicated: number;
  /** They went within a call of another client request, or within one HTTP request together with others. */
  batched: number;
  /** They were answered from a cache. */
  cached: number;
  /**
   * Calls that were sent for this client request, retries included. A call that several requests share counts for the
   * first of them.
   */
  sent: number;
  /** How many entities of which subgraph a cache served stale, where it did. */
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
