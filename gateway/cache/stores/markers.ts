/**
 * When tags were last invalidated, on a logical clock. Bounded: the oldest markers are dropped, and what is older than
 * they are counts as invalidated.
 */
export class Markers {
  readonly #maxTags: number;
  #now = 0;
  #floor = 0;
  // In the order of their last invalidation.
  readonly #tags = new Map<string, number>();
  readonly #prefixes = new Map<string, number>();

  constructor(maxTags: number) {
    this.#maxTags = maxTags;
  }

  /** Moves with each invalidation. */
  get now(): number {
    return this.#now;
  }

  /** A tag that ends in `*` stands for all that begin with what is before it. */
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

  /** Whether none of the tags was invalidated after that moment. */
  areValid(tags: readonly string[], since: number): boolean {
    if (since === this.#now) return true;
    if (since < this.#floor) return false;
    for (const tag of tags) {
      if ((this.#tags.get(tag) ?? 0) > since) return false;
    }
    for (const [prefix, invalidated] of this.#prefixes) {
      if (invalidated > since && tags.some((tag) => tag.startsWith(prefix))) return false;
    }
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

/** Each is compared with the tags of an entry that is looked at. */
const maxPrefixes = 100;
