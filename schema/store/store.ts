/** The key of an item. `sort` orders the items of a partition. Letters, digits and `@_-`; in a partition also `/`. */
export interface Key {
  readonly partition: string;
  readonly sort: string;
}

export interface Item {
  readonly sort: string;
  readonly value: Buffer;
  /** How often the item was written with `expected`; 0 if never. */
  readonly revision: number;
}

export interface PutOptions {
  /**
   * Writes only if the item still has this revision; 0 stands for an item that does not exist. Without it, the item is
   * overwritten. A key is written either always with `expected` or never.
   */
  readonly expected?: number;
  /** Unix seconds after which the item may be deleted. */
  readonly expires?: number;
}

export interface ListOptions {
  /** Only items whose `sort` begins with this. @default '' */
  readonly prefix?: string;
  /** @default all */
  readonly limit?: number;
  /** @default false */
  readonly newestFirst?: boolean;
}

/**
 * Keeps the items of a registry. Reads see every write that was confirmed before they began. Writes are atomic, even if
 * the process is killed. Methods reject only with `StoreError`.
 */
export interface RegistryStore {
  get(key: Key): Promise<Item | undefined>;
  /** The items of a partition in the order of their `sort`. */
  list(partition: string, options?: ListOptions): Promise<Item[]>;
  /**
   * Resolves with false if the item has another revision than `expected`, as another writer was faster. Values that are
   * written with `expected` must differ, so that two writers can be told apart, and must not be empty.
   */
  put(key: Key, value: Buffer, options?: PutOptions): Promise<boolean>;
  /**
   * Deletes an item; with `expected` only if it still has this revision. Resolves with false if it has another one.
   * Deleting what does not exist succeeds.
   */
  delete(key: Key, options?: Pick<PutOptions, 'expected'>): Promise<boolean>;
  close(): Promise<void>;
}

/** The store cannot be used. The message says why, and how to fix it. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
