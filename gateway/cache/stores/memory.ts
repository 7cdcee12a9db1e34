import { LRUCache } from 'lru-cache';
import { Markers } from './markers';
import { ownedBytes } from './owned-bytes';
import type { Clock, CacheEntry, CacheHit, HeldEntry, Look, MemoryContents, Store } from './store';

export interface MemoryStoreOptions {
  /** The most bytes of all entries, keys and tags included. */
  readonly maxBytes: number;
  /** The most invalidated tags that are remembered. Beyond, old entries count as invalidated. @default 100,000 */
  readonly maxMarkers?: number;
  /** Milliseconds in which one look-up alone refreshes an entry. @default 10,000 */
  readonly refreshTime?: number;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /** Whether it is in front of a shared store. @default false */
  readonly isNear?: boolean;
  /** Whether an entry of a look-up at this time of `performance.now()` may be used. @default always */
  readonly isTrusted?: (lookedAt: number) => boolean;
}

/** Keeps entries in this process. When it is full, the least recently used ones are evicted. */
export class MemoryStore implements Store, MemoryContents {
  readonly maxBytes: number;
  readonly #entries: LRUCache<string, MemoryEntry>;
  readonly #markers: Markers;
  readonly #refreshTime: number;
  readonly #now: () => number;
  readonly #isNear: boolean;
  readonly #isTrusted: (lookedAt: number) => boolean;

  constructor({
    maxBytes,
    maxMarkers = 100_000,
    refreshTime = 10_000,
    now = Date.now,
    isNear = false,
    isTrusted = () => true,
  }: MemoryStoreOptions) {
    this.maxBytes = maxBytes;
    this.#entries = new LRUCache({ maxSize: maxBytes, sizeCalculation: sizeOf });
    this.#markers = new Markers(maxMarkers);
    this.#refreshTime = refreshTime;
    this.#now = now;
    this.#isNear = isNear;
    this.#isTrusted = isTrusted;
  }

  get memory(): MemoryContents {
    return this;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  *entries(): Generator<HeldEntry> {
    const now = this.#now();
    for (const [key, kept] of this.#entries.entries()) {
      const { tags, keptUntil } = kept.entry;
      if (now < keptUntil && this.#markers.areValid(tags, kept.checked))
        yield { key, tags, bytes: sizeOf(kept, key) };
    }
  }

  peek(key: string): CacheHit | undefined {
    const entry = this.#find(key)?.entry;
    return entry !== undefined && this.#now() < entry.freshUntil ? entry : undefined;
  }

  get(keys: readonly string[]): Promise<Look> {
    return Promise.resolve({ entries: keys.map((key) => this.#look(key)), clock: this.clock });
  }

  /** The current time on the logical clock. */
  get clock(): Clock {
    // Whole milliseconds, rounded down, as it takes ten times as long to write a fraction.
    return `${this.#markers.now}:${Math.floor(performance.now())}`;
  }

  set(entries: ReadonlyMap<string, CacheEntry>, clock: Clock): Promise<void> {
    const [since, lookedAt] = clock.split(':').map(Number) as [number, number];
    for (const [key, entry] of entries) {
      if (entry.keptUntil <= this.#now() || !this.#markers.areValid(entry.tags, since)) continue;
      const known = this.#entries.peek(key);
      // An entry of a later look-up is not overwritten, as it may be newer.
      if (known !== undefined && known.since > since) continue;
      const { tags, storedAt, freshUntil, keptUntil } = entry;
      const value = ownedBytes(entry.value);
      const found = { value, tags, storedAt, freshUntil, keptUntil, refresh: false, isNear: this.#isNear };
      this.#entries.set(key, { entry: found, since, lookedAt, checked: since, refreshing: 0 });
    }
    return Promise.resolve();
  }

  invalidate(tags: readonly string[]): Promise<void> {
    this.#markers.invalidate(tags);
    return Promise.resolve();
  }

  /** Drops every entry. Entries that are being fetched will not be kept. */
  invalidateAll(): void {
    this.#markers.invalidateAll();
    this.#entries.clear();
  }

  close(): Promise<void> {
    this.#entries.clear();
    return Promise.resolve();
  }

  #look(key: string): CacheHit | undefined {
    const kept = this.#find(key);
    if (kept === undefined) return undefined;
    const now = this.#now();
    const { entry } = kept;
    const until = now + this.#refreshTime;
    // A claim that lasts longer than one from now on was made before the clock was put back.
    if (now < entry.freshUntil || (now < kept.refreshing && kept.refreshing <= until)) return entry;
    kept.refreshing = until;
    return { ...entry, refresh: true };
  }

  #find(key: string): MemoryEntry | undefined {
    const kept = this.#entries.get(key);
    if (kept === undefined || !this.#isTrusted(kept.lookedAt)) return undefined;
    if (this.#now() < kept.entry.keptUntil && this.#markers.areValid(kept.entry.tags, kept.checked)) {
      kept.checked = this.#markers.now;
      return kept;
    }
    this.#entries.delete(key);
    return undefined;
  }
}

interface MemoryEntry {
  /** As a look-up finds it that need not refresh it. */
  readonly entry: CacheHit;
  /** When the look-up began that led to it, on the clock of the markers. */
  readonly since: number;
  /** The same in milliseconds of `performance.now()`. */
  readonly lookedAt: number;
  /** The last time when it was found valid, on the clock of the markers. */
  checked: number;
  /** Until then one look-up is refreshing it. Unix milliseconds. */
  refreshing: number;
}

function sizeOf({ entry: { value, tags } }: MemoryEntry, key: string): number {
  return tags.reduce((size, tag) => size + tag.length, value.byteLength + key.length + overhead);
}

/** Roughly the bytes of the objects around a value. */
const overhead = 500;
