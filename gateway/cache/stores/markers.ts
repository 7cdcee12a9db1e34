/** When tags were last invalidated, on a logical clock. Entries older than a dropped marker are invalid. */
export class Markers {
  readonly #maxTags: number;
  #now = 0;
  #floor = 0;
  // Ordered by their last invalidation.
  readonly #tags = new Map<string, number>();
  readonly #prefixes = new Map<string, number>();

  constructor(maxTags: number) {
    this.#maxTags = maxTags;
  }

  /** The current time. It advances with each invalidation. */
  get now(): number {
    return this.#now;
  }

  /** A tag that ends in `*` stands for all tags with that prefix. */
  invalidate(tags: readonly string[]): void {
    this.#now++;
    for (const tag of tags) {
      if (tag.endsWith('*')) this.#mark(this.#prefixes, tag.slice(0, -1), maxPrefixes);
      else this.#mark(this.#tags, tag, this.#maxTags);
    }
  }

  invalidateAll(): void {
    this.#floor = ++this.#now;
    this.#tags.clear();
    this.#prefixes.clear();
  }

  /** Whether none of the tags was invalidated after `since`. */
  areValid(tags: readonly string[], since: number): boolean {
    if (since === this.#now) return true;
    if (since < this.#floor) return false;
    for (const tag of tags) if ((this.#tags.get(tag) ?? 0) > since) return false;
    for (const [prefix, invalidated] of this.#prefixes)
      if (invalidated > since && tags.some((tag) => tag.startsWith(prefix))) return false;
    return true;
  }

  #mark(markers: Map<string, number>, name: string, limit: number): void {
    markers.delete(name);
    markers.set(name, this.#now);
    if (markers.size <= limit) return;
    const [oldest, invalidated] = markers.entries().next().value!;
    markers.delete(oldest);
    this.#floor = Math.max(this.#floor, invalidated);
  }
}

/** The most prefixes. Each look-up compares all of them with the tags of its entry. */
const maxPrefixes = 100;
