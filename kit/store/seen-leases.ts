/**
 * How long this process has seen leases unchanged, which are versions in a store: the holder changes its version when it
 * renews the lease, so that one that does not change for the time of a lease has ended. No clock is compared with another.
 */
export class SeenLeases {
  readonly #seen = new Map<string, { readonly version: string; readonly since: number }>();

  /** Milliseconds for which this version was seen; 0 for the first time. */
  age(name: string, version: string): number {
    const now = performance.now();
    const seen = this.#seen.get(name);
    if (seen?.version === version) return now - seen.since;
    // Those that change are the last of the map, and the first has not changed for the longest, or is not looked at any more.
    this.#seen.delete(name);
    this.#seen.set(name, { version, since: now });
    if (this.#seen.size > mostSeen) this.#seen.delete(this.#seen.keys().next().value!);
    return 0;
  }
}

const mostSeen = 20_000;
