/** A share of something, until it is given back. */
export interface Lease<Value> {
  readonly value: Value;
  /** To be called once. */
  end(): void;
}

/** What several holders share by a key: opened for the first one, closed after the last one. */
export class Leases<Value> {
  readonly #close: (value: Value) => void;
  readonly #held = new Map<string, { readonly value: Value; holders: number }>();

  constructor(close: (value: Value) => void) {
    this.#close = close;
  }

  /** All that is held now. */
  get values(): readonly Value[] {
    return Array.from(this.#held.values(), ({ value }) => value);
  }

  /** @param open what it throws is thrown, and nothing is held */
  take(key: string, open: () => Value): Lease<Value> {
    let held = this.#held.get(key);
    if (held === undefined) this.#held.set(key, (held = { value: open(), holders: 0 }));
    const { value } = held;
    held.holders++;
    return {
      value,
      end: () => {
        if (--held.holders > 0) return;
        this.#held.delete(key);
        this.#close(value);
      },
    };
  }
}
