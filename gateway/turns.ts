/** What waits for its turn. */
export interface Waiting {
  /** Who sends it: what one sends waits for one another. */
  readonly sender: string;
  /** How much of the room it takes: at least 1. */
  readonly weight: number;
}

/** What waits, of which each sender has one taken in turn, the one that waits longest. */
export class Turns<Item extends Waiting> {
  /** How many wait. */
  size = 0;
  /** Of all together. */
  weight = 0;
  /** The sender whose turn it is comes first; each has at least one. */
  readonly #bySender = new Map<string, Share<Item>>();

  add(item: Item): void {
    let share = this.#bySender.get(item.sender);
    if (share === undefined) this.#bySender.set(item.sender, (share = { weight: 0, items: new Set() }));
    share.items.add(item);
    share.weight += item.weight;
    this.size++;
    this.weight += item.weight;
  }

  /** Does nothing for what does not wait. */
  delete(item: Item): void {
    const share = this.#bySender.get(item.sender);
    if (share?.items.delete(item) !== true) return;
    share.weight -= item.weight;
    this.size--;
    this.weight -= item.weight;
    if (share.items.size === 0) this.#bySender.delete(item.sender);
  }

  /** Takes out the one whose turn it is. */
  take(): Item | undefined {
    const [first] = this.#bySender;
    if (first === undefined) return undefined;
    const [sender, share] = first;
    const [item] = share.items;
    this.#bySender.delete(sender);
    this.#bySender.set(sender, share);
    this.delete(item!);
    return item;
  }

  senders(): Iterable<string> {
    return this.#bySender.keys();
  }

  countOf(sender: string): number {
    return this.#bySender.get(sender)?.items.size ?? 0;
  }

  weightOf(sender: string): number {
    return this.#bySender.get(sender)?.weight ?? 0;
  }

  takeNewestOf(sender: string): Item | undefined {
    const newest = [...(this.#bySender.get(sender)?.items ?? [])].at(-1);
    if (newest !== undefined) this.delete(newest);
    return newest;
  }
}

interface Share<Item> {
  weight: number;
  /** The one that waits longest comes first. */
  readonly items: Set<Item>;
}
