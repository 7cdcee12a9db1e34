/** A write of the rehearsal. Of the same item and revision, the value is always the same. */
export interface Write {
  readonly id: string;
  /** Numbers the writes of the item, from 1. */
  readonly revision: number;
}

interface Entry {
  acknowledged: number;
  sent: number;
  isBusy: boolean;
}

/** What was written and acknowledged, outside of the store that is lost. An item has one write at a time. */
export class Ledger {
  readonly #mostItems: number;
  readonly #entries = new Map<string, Entry>();
  readonly #ids: string[] = [];
  readonly #acknowledgments: (Write & { readonly at: number })[] = [];
  #acknowledgedItems = 0;

  constructor(mostItems: number) {
    this.#mostItems = mostItems;
  }

  /** Begins a write: of a new item, or in one case of five, and when there are enough, of one that is there. */
  begin({ isNew = this.#ids.length < this.#mostItems && Math.random() < 0.8 } = {}): Write {
    const id = (isNew ? undefined : this.#findIdle()) ?? this.#newId();
    const entry = this.#entries.get(id)!;
    entry.isBusy = true;
    return { id, revision: ++entry.sent };
  }

  /** Ends a write. `at`: when it was acknowledged, in milliseconds of `performance.now()`; undefined: nobody knows. */
  end({ id, revision }: Write, at: number | undefined): void {
    const entry = this.#entries.get(id)!;
    entry.isBusy = false;
    if (at === undefined) return;
    if (entry.acknowledged === 0) this.#acknowledgedItems++;
    entry.acknowledged = revision;
    this.#acknowledgments.push({ id, revision, at });
  }

  /** How many items have an acknowledged write. */
  get acknowledgedItems(): number {
    return this.#acknowledgedItems;
  }

  /** All acknowledged writes, in their order. */
  get acknowledgments(): readonly (Write & { readonly at: number })[] {
    return this.#acknowledgments;
  }

  /** The revisions of which an item may have any: from the last that was acknowledged to the last that was sent. */
  *expected(): Iterable<{ readonly id: string; readonly acknowledged: number; readonly sent: number }> {
    for (const id of this.#ids.toSorted()) yield { id, ...this.#entries.get(id)! };
  }

  #findIdle(): string | undefined {
    for (let tries = 0; tries < 20 && this.#ids.length > 0; tries++) {
      const id = this.#ids[Math.floor(Math.random() * this.#ids.length)]!;
      if (!this.#entries.get(id)!.isBusy) return id;
    }
    return undefined;
  }

  #newId(): string {
    const id = `item-${String(this.#ids.length + 1).padStart(7, '0')}`;
    this.#ids.push(id);
    this.#entries.set(id, { acknowledged: 0, sent: 0, isBusy: false });
    return id;
  }
}

/** Some 200 characters. */
export const valueOf = ({ id, revision }: Write): string => `${id}, revision ${revision}. `.repeat(8);
