import { getHeapStatistics } from 'node:v8';
import { LRUCache } from 'lru-cache';

/**
 * The memory for cached operations, one per process, for all generations together. Clients can send ever new
 * operations, so one limit, in bytes of the heap, bounds everything cached for them. While a generation is replaced,
 * the older one loses its entries first.
 */
export class OperationMemory {
  /** The limit in bytes. */
  readonly limit: number;
  /** The caches, oldest first. */
  readonly #caches = new Set<Pick<OperationCache<object>, 'size' | 'shrinkTo'>>();

  /** @param limit in bytes @default a quarter of the heap limit, and no more than 256 MiB */
  constructor(limit = Math.min(getHeapStatistics().heap_size_limit / 4, 256 * 1024 ** 2)) {
    this.limit = Math.floor(limit);
  }

  /** The bytes in use. */
  get size(): number {
    let size = 0;
    for (const cache of this.#caches) size += cache.size;
    return size;
  }

  /** Opens a cache with a share of the limit, from 0 to 1. The shares of one generation add up to 1 at most. */
  open<Value extends object>(share: number): OperationCache<Value> {
    const cache: OperationCache<Value> = new OperationCache(Math.floor(this.limit * share), {
      onGrowth: () => this.#bound(),
      onClose: () => this.#caches.delete(cache),
    });
    this.#caches.add(cache);
    return cache;
  }

  /** Evicts half of each cache, least recently used first. Call when the heap is nearly full. */
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

/** A cache within an `OperationMemory`. Evicts the least recently used entry first. */
export class OperationCache<Value extends object> {
  readonly #entries: LRUCache<string, Value>;
  readonly #listener: Listener;
  #isClosed = false;

  /** @param maxSize in bytes */
  constructor(maxSize: number, listener: Listener) {
    this.#entries = new LRUCache({ maxSize: Math.max(1, maxSize) });
    this.#listener = listener;
  }

  /** The size in bytes. */
  get size(): number {
    return this.#entries.calculatedSize;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** Like `get`, but does not count as use. */
  peek(key: string): Value | undefined {
    return this.#entries.peek(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Keeps a value, or updates its size. `size` is in bytes, without the key. */
  set(key: string, value: Value, size: number): void {
    // Requests that still run on a replaced generation cache nothing.
    if (this.#isClosed) return;
    // `LRUCache` does not update the size of a value that it holds.
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

  /** Drops all entries, and keeps none from now on. */
  close(): void {
    this.#isClosed = true;
    this.#entries.clear();
    this.#listener.onClose();
  }
}

/** Bytes of an entry besides its key and its value. */
const ofEntry = 200;

/** The heap bytes of a text: V8 uses one byte per character if all are Latin-1, else two. */
export const bytesOf = (text: string): number =>
  // Overestimates Latin-1 texts that are not ASCII.
  Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
