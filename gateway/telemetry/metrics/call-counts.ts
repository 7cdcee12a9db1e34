/**
 * Counts fetches of query plans, and the subgraph calls that they cost. Each planned fetch is in exactly one of the other
 * counts, but in none if an open circuit breaker refuses its call, or if there is no endpoint for it. `sent` also has
 * retries, refreshes of stale entities, and batched calls that failed and whose fetches were then sent alone.
 */
export interface FetchCounts {
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
  /** Calls that were sent, retries included. A call that several requests share counts for the first of them. */
  sent: number;
}

/** Counts the subgraph calls of one client request. */
export interface CallCounts extends FetchCounts {
  /** The number of entities that a cache served stale, by subgraph. Undefined if there were none. */
  stale?: Record<string, number>;
}

/** Counts the fetches of a client's operation at one subgraph. */
export interface PairCounts extends FetchCounts {
  /** Responses, those from a cache included. */
  answers: number;
  /** How many of them may be cached. */
  storable: number;
}

/** Counts the fetches of one client's operation, whoever sends it. */
export interface Tally {
  /** The counts at a subgraph. The caller must not keep them. */
  of(subgraph: string): PairCounts;
}

export const noCalls = (): CallCounts => ({
  planned: 0,
  merged: 0,
  deduplicated: 0,
  batched: 0,
  cached: 0,
  sent: 0,
});
