import { getHeapStatistics } from 'node:v8';
import { LRUCache } from 'lru-cache';

/**
 * The memory for cached operations, one per process, for all generations together. Anybody may send ever new operations, so
 * what is cached of them has one limit, in bytes of the heap. While a generation is replaced, the older one gives up its
 * entries first.
 */
export class OperationMemory {
  /** In bytes. */
  readonly limit: number;
  /** The oldest first. */
  readonly #caches = new Set<Pick<OperationCache<object>, 'size' | 'shrinkTo'>>();

  /** @param limit in bytes @default a quarter of what the heap may have, and no more than 256 MiB */
  constructor(limit = Math.min(getHeapStatistics().heap_size_limit / 4, 256 * 1024 ** 2)) {
    this.limit = Math.floor(limit);
  }

  /** The bytes in use. */
  get size(): number {
    let size = 0;
    for (const cache of this.#caches) size += cache.size;
    return size;
  }

  /**
   * Opens a cache that may have a share of the limit. The caches of one generation should have no more than all of it
   * together.
   */
  open<Value extends object>(share: number): OperationCache<Value> {
    const cache: OperationCache<Value> = new OperationCache(Math.floor(this.limit * share), {
      onGrowth: () => this.#bound(),
      onClose: () => this.#caches.delete(cache),
    });
    this.#caches.add(cache);
    return cache;
  }

  /** Evicts half of the entries, least recently used first: to be called when the heap is nearly full. */
  giveBack(): void {
    for (const cache of this.#caches) cache.shrinkTo(cache.size / 2);
  }

  #bound(): void {
    let excess = this.size - this.limit;
    for (const cache of this.#caches) {
      if (excess <= 0) return;
      const { size } = cache;
      cache.shrinkTo(size - excess);
      excess -= size - cache.size;
    }
  }
}

interface Listener {
  readonly onGrowth: () => void;
  readonly onClose: () => void;
}

/** A part of an `OperationMemory`. It forgets what was used least lately. */
export class OperationCache<Value extends object> {
  readonly #entries: LRUCache<string, Value>;
  readonly #listener: Listener;
  #isClosed = false;

  /** @param maxSize in bytes */
  constructor(maxSize: number, listener: Listener) {
    this.#entries = new LRUCache({ maxSize: Math.max(1, maxSize) });
    this.#listener = listener;
  }

  /** In bytes. */
  get size(): number {
    return this.#entries.calculatedSize;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** Does not count as use. */
  peek(key: string): Value | undefined {
    return this.#entries.peek(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Keeps a value, or says that it takes another size now. `size` is in bytes, without the key. */
  set(key: string, value: Value, size: number): void {
    // What still runs on a generation that has been left keeps nothing more.
    if (this.#isClosed) return;
    // `LRUCache` takes no other size for a value that it has.
    this.#entries.delete(key);
    this.#entries.set(key, value, { size: Math.ceil(size) + bytesOf(key) + ofEntry });
    this.#listener.onGrowth();
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  values(): Iterable<Value> {
    return this.#entries.values();
  }

  shrinkTo(size: number): void {
    while (this.size > Math.max(0, size)) this.#entries.pop();
  }

  /** Forgets all, for good. */
  close(): void {
    this.#isClosed = true;
    this.#entries.clear();
    this.#listener.onClose();
  }
}

/** What an entry takes beside its key and its value. */
const ofEntry = 200;

/** How much of the heap a text takes: V8 keeps it with one byte for each character where all are of Latin-1. */
export const bytesOf = (text: string): number =>
  // Of those in Latin-1 that are not in ASCII too much is said.
  Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
