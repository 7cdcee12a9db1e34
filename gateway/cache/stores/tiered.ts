import { MemoryStore, type MemoryStoreOptions } from './memory';
import type { Clock, CacheEntry, CacheHit, Look, MemoryContents, Store } from './store';

/** Gets the invalidations that other gateways make in a shared store. */
export interface InvalidationListener {
  invalidated(tags: readonly string[]): void;
  /** Invalidations up to now may have been missed. */
  missed(): void;
  /** Every invalidation that was confirmed before `at`, in milliseconds of `performance.now()`, has been reported. */
  proven(at: number): void;
}

/** Follows a shared store until the function that it returns is called. */
export type InvalidationFeed = (follower: InvalidationListener) => () => Promise<void>;

export interface TieredStoreOptions {
  readonly shared: Store;
  readonly feed: InvalidationFeed;
  /** Milliseconds in which memory may serve what another gateway invalidated, whatever happens to the connection. */
  readonly bound: number;
  readonly memory: Omit<MemoryStoreOptions, 'isNear' | 'isTrusted'>;
}

/**
 * Memory in front of a store that several gateways share. A fresh entry is served from memory if, within `bound`, it
 * was looked up in the shared store or the feed has proven that no invalidation is missing. While the shared store is
 * unavailable, memory alone is used, within the same bound.
 */
export class TieredStore implements Store {
  readonly #memory: MemoryStore;
  readonly #shared: Store;
  readonly #unfollow: () => Promise<void>;

  constructor({ shared, feed, bound, memory: options }: TieredStoreOptions) {
    let proven = -Infinity;
    const isTrusted = (lookedAt: number) => performance.now() <= Math.max(lookedAt, proven) + bound;
    const memory = new MemoryStore({ ...options, isNear: true, isTrusted });
    this.#memory = memory;
    this.#shared = shared;
    this.#unfollow = feed({
      invalidated: (tags) => void memory.invalidate(tags),
      missed: () => memory.invalidateAll(),
      proven: (at) => (proven = Math.max(proven, at)),
    });
  }

  get memory(): MemoryContents {
    return this.#memory;
  }

  peek(key: string): CacheHit | undefined {
    return this.#memory.peek(key);
  }

  async get(keys: readonly string[]): Promise<Look> {
    // Read before the look-up: entries that are invalidated from here on must not stay in memory.
    const { clock } = this.#memory;
    const near = keys.map((key) => this.#memory.peek(key));
    const missing = keys.filter((_, index) => near[index] === undefined);
    const look = missing.length > 0 || keys.length === 0 ? await this.#getShared(missing, clock) : undefined;
    let next = 0;
    return {
      entries: near.map((entry) => entry ?? look?.entries[next++]),
      clock: clocks.join(clock, look?.clock ?? ''),
      near: clocks.join(clock, ''),
    };
  }

  async set(entries: ReadonlyMap<string, CacheEntry>, clock: Clock): Promise<void> {
    const [near, far] = clocks.split(clock);
    await this.#memory.set(entries, near);
    if (far !== '') await this.#shared.set(entries, far);
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    await this.#memory.invalidate(tags);
    try {
      await this.#shared.invalidate(tags);
    } finally {
      // Entries that were read from the shared store meanwhile may be older than the invalidation.
      await this.#memory.invalidate(tags);
    }
  }

  async close(): Promise<void> {
    await this.#unfollow();
    await this.#memory.close();
    await this.#shared.close();
  }

  /** Looks entries up in the shared store. Stale entries in memory are used only while that is unavailable. */
  async #getShared(keys: readonly string[], near: Clock): Promise<Look> {
    let look: Look;
    try {
      look = await this.#shared.get(keys);
    } catch {
      const { entries } = await this.#memory.get(keys);
      return { entries, clock: '' };
    }
    const found = new Map<string, CacheHit>();
    keys.forEach((key, index) => {
      const entry = look.entries[index];
      if (entry) found.set(key, entry);
    });
    await this.#memory.set(found, near);
    return look;
  }
}

/** Joins and splits the clocks of memory and of the shared store; the latter is empty if that was not read. */
const clocks = {
  join: (near: Clock, far: Clock): Clock => `${near}|${far}`,
  split(clock: Clock): [near: Clock, far: Clock] {
    const end = clock.indexOf('|');
    return [clock.slice(0, end), clock.slice(end + 1)];
  },
};
