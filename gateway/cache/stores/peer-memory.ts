import { MemoryStore, type MemoryStoreOptions } from './memory';
import { StoreUnavailable } from './store';

/** Other processes of the same gateway, each with a memory of its own. */
export interface Peers {
  /** Resolves when all of them have dropped what has any of the tags. Rejects when that is not sure. */
  drop(tags: readonly string[]): Promise<void>;
  /** To be told what is to be dropped because of another one. */
  follow(drop: (tags: readonly string[]) => Promise<void>): void;
}

/** Keeps entries in this process; what is invalidated in one of several processes is in all of them. */
export class PeerMemoryStore extends MemoryStore {
  readonly #peers: Peers;

  constructor(options: MemoryStoreOptions, peers: Peers) {
    super(options);
    this.#peers = peers;
    peers.follow((tags) => super.invalidate(tags));
  }

  override async invalidate(tags: readonly string[]): Promise<void> {
    await super.invalidate(tags);
    try {
      await this.#peers.drop(tags);
    } catch (error) {
      throw new StoreUnavailable(error);
    }
  }
}
