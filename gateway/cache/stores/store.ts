export interface CacheEntry {
  readonly value: Buffer;
  /** Cache tags. An invalidation of any of them drops the entry. */
  readonly tags: readonly string[];
  /** Unix milliseconds, for `Age`. */
  readonly storedAt: number;
  /** Unix milliseconds. */
  readonly freshUntil: number;
  /** Unix milliseconds. Until then it may be served stale; afterwards it is dropped. */
  readonly keptUntil: number;
}

export interface CacheHit extends CacheEntry {
  /** Whether it is stale and this look-up must refresh it; for a while no other one must, on any gateway. */
  readonly refresh: boolean;
  /**
   * Whether it was found in the memory of this process, which may be older than the shared store. An entry that is made
   * of it must be set with the clock `near`.
   *
   * @default false
   */
  readonly isNear?: boolean;
}

/** A time on a store's logical clock; opaque to others. */
export type Clock = string;

export interface Look {
  /** One per key, in the same order. */
  readonly entries: readonly (CacheHit | undefined)[];
  /** When the look-up began. Entries that are fetched because of it are set with this clock. */
  readonly clock: Clock;
  /** The same time, for entries that are kept only in this process. Undefined if the store has only one tier. */
  readonly near?: Clock;
}

/**
 * Stores entries, and remembers on its own logical clock when each tag was last invalidated. An entry is valid while none of
 * its tags was invalidated after the look-up that led to it. So the cost of an invalidation does not depend on the number
 * of entries, and it cannot lose a race against an entry made of data that was read before it.
 *
 * Each method rejects only with `StoreUnavailable`, when the store cannot be reached.
 */
export interface Store {
  get(keys: readonly string[]): Promise<Look>;
  /** Stores entries that were fetched because the look-up with this clock found none that was fresh. */
  set(entries: ReadonlyMap<string, CacheEntry>, clock: Clock): Promise<void>;
  /**
   * Drops every entry that has one of the tags; `product-*` stands for all tags that begin with `product-`. Resolves
   * when no look-up finds them any more. Rejects if that is not certain.
   */
  invalidate(tags: readonly string[]): Promise<void>;
  close(): Promise<void>;
  /** What of it is in the memory of this process; undefined for a store without entries in memory. */
  readonly memory?: MemoryContents | undefined;
  /** A fresh entry that is available synchronously. Undefined for a store without entries in memory. */
  peek?(key: string): CacheHit | undefined;
}

/** Entries in the memory of a process. Reading them is for people: it takes longer than a look-up. */
export interface MemoryContents {
  /** How many there are, and their bytes, keys and tags included. Those that are invalid and not found so yet are among them. */
  readonly size: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Those that are valid, the most recently used first. */
  entries(): Iterable<HeldEntry>;
}

export interface HeldEntry {
  readonly key: string;
  readonly tags: readonly string[];
  readonly bytes: number;
}

/** The store cannot be reached, did not answer in time, or answered with an error, which is the cause. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(cause?: unknown) {
    super('The cache store is unavailable.', { cause });
  }
}
