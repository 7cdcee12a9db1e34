import {
  type Clock,
  type CacheEntry,
  type CacheHit,
  type Look,
  type MemoryContents,
  type Store,
  StoreUnavailable,
} from './store';

/** Other processes of the same gateway, each with a store of its own. */
export interface Peers {
  /** Resolves when all of them have dropped the entries with any of the tags. Rejects if that is not certain. */
  drop(tags: readonly string[]): Promise<void>;
  /** Sets the function that drops entries when another process asks for it. */
  follow(drop: (tags: readonly string[]) => Promise<void>): void;
}

/** A store of this process. An invalidation in one process is applied in all of them. */
export class PeerStore implements Store {
  readonly #store: Store;
  readonly #peers: Peers;

  constructor(store: Store, peers: Peers) {
    this.#store = store;
    this.#peers = peers;
    peers.follow((tags) => store.invalidate(tags));
  }

  get memory(): MemoryContents | undefined {
    return this.#store.memory;
  }

  peek(key: string): CacheHit | undefined {
    return this.#store.peek?.(key);
  }

  get(keys: readonly string[]): Promise<Look> {
    return this.#store.get(keys);
  }

  set(entries: ReadonlyMap<string, CacheEntry>, clock: Clock): Promise<void> {
    return this.#store.set(entries, clock);
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    await this.#store.invalidate(tags);
    try {
      await this.#peers.drop(tags);
    } catch (error) {
      throw new StoreUnavailable(error);
    }
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
