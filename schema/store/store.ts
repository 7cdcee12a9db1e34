/** Names an item: `sort` orders the items of a partition. Letters, digits and `@_-`, and `/` in a partition. */
export interface Key {
  readonly partition: string;
  readonly sort: string;
}

export interface Item {
  readonly sort: string;
  readonly value: Buffer;
  /** How often the item was written with an expectation; 0 when it never was. */
  readonly revision: number;
}

export interface PutOptions {
  /**
   * Writes only if the item still has this revision; 0 stands for an item that does not exist. Left out: whatever is
   * there. A key is written either always with an expectation or never.
   */
  readonly expected?: number;
  /** Unix seconds after which the item may be forgotten. */
  readonly expires?: number;
}

export interface ListOptions {
  /** Only items whose `sort` begins with it. @default '' */
  readonly prefix?: string;
  /** @default all */
  readonly limit?: number;
  /** @default false */
  readonly newestFirst?: boolean;
}

/**
 * Keeps the items of a registry. Reads see every write that was confirmed before they began. A write happens wholly
 * or not at all, whenever its process is killed. Methods reject with `StoreError` and with nothing else.
 */
export interface RegistryStore {
  get(key: Key): Promise<Item | undefined>;
  /** The items of a partition in the order of their `sort`. */
  list(partition: string, options?: ListOptions): Promise<Item[]>;
  /**
   * Resolves with false when the item has another revision than `expected`: somebody else was quicker. Values that are
   * written with an expectation must differ, or two writers could not be told apart; they are never empty.
   */
  put(key: Key, value: Buffer, options?: PutOptions): Promise<boolean>;
  close(): Promise<void>;
}

/** The store cannot be used; the message says why, and what would help. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
