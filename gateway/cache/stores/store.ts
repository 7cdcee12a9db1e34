/** The entry of a key. */
export interface Entry {
  readonly value: Buffer;
  /** What the value is made of: an invalidation of any of them drops the entry. */
  readonly tags: readonly string[];
  /** Unix milliseconds, for `Age`. */
  readonly storedAt: number;
  /** Unix milliseconds. */
  readonly freshUntil: number;
  /** Unix milliseconds: until then it may be served stale; afterwards it is forgotten. */
  readonly keptUntil: number;
}

export interface Found extends Entry {
  /**
   * It is stale, and this look is the one that refreshes it: no other look is asked to, for a while, on any gateway
   * that shares the store.
   */
  readonly refresh: boolean;
  /**
   * It was found in this process, before a store that others share, which may know better already: what is made of it
   * is set with the clock `near`. @default false
   */
  readonly isNear?: boolean;
}

/** A moment on the logical clock of a store; opaque to others. */
export type Clock = string;

export interface Look {
  /** One per key, in their order. */
  readonly entries: readonly (Found | undefined)[];
  /** When the look began: what is fetched because of it is set with this clock. */
  readonly clock: Clock;
  /** The same moment, for what is to be kept in this process alone. Missing where there is no other place. */
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
  /** Keeps what was fetched because the look that had this clock did not find it fresh. */
  set(entries: ReadonlyMap<string, Entry>, clock: Clock): Promise<void>;
  /**
   * Drops every entry that has one of the tags; `product-*` stands for all tags that begin with `product-`. Resolves
   * when no look at the store finds them any more. Rejects when that is not sure.
   */
  invalidate(tags: readonly string[]): Promise<void>;
  close(): Promise<void>;
  /** A fresh entry that is known without waiting. Missing where nothing is. */
  peek?(key: string): Entry | undefined;
}

/** The store cannot be reached, did not answer in time, or answered with an error, which is the cause. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(cause?: unknown) {
    super('The cache store is unavailable.', { cause });
  }
}
