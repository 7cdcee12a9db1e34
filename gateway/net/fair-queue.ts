/** An item in a fair queue. */
export interface QueuedItem {
  /** Senders take turns; the items of one sender are first in, first out. */
  readonly sender: string;
  /** How much the item counts against the bound of the queue: at least 1. */
  readonly weight: number;
}

/**
 * A queue in which senders take turns: one item per sender, the oldest first. So many items of one sender delay an item
 * of another sender by one item and not by all. When the queue is too long, its owner drops items of the sender with
 * the greatest weight, the newest first.
 *
 * It is used for requests that wait for a plan, and for operations that are read, planned and compiled. Two queues
 * differ too much to use it: `AdmissionQueue` (only some of a sender's requests are queued until they are admitted; the others
 * are held for a moment and refused) and `UnsentRequests` (uploads are not taken in turn; the largest is dropped
 * first).
 */
export class FairQueue<Item extends QueuedItem> {
  /** The number of items. */
  size = 0;
  /** The weight of all items. */
  weight = 0;
  /** Senders in the order of their turns. Each has at least one item. */
  readonly #bySender = new Map<string, SenderShare<Item>>();

  add(item: Item): void {
    let share = this.#bySender.get(item.sender);
    if (share === undefined) this.#bySender.set(item.sender, (share = { weight: 0, items: new Set() }));
    share.items.add(item);
    share.weight += item.weight;
    this.size++;
    this.weight += item.weight;
  }

  /** Removes an item. Does nothing if it is not in the queue. */
  delete(item: Item): void {
    const share = this.#bySender.get(item.sender);
    if (share?.items.delete(item) !== true) return;
    share.weight -= item.weight;
    this.size--;
    this.weight -= item.weight;
    if (share.items.size === 0) this.#bySender.delete(item.sender);
  }

  /** The oldest item of the sender whose turn it is. The item stays in the queue, and the turn goes to the next sender. */
  next(): Item | undefined {
    const [first] = this.#bySender;
    if (first === undefined) return undefined;
    const [sender, share] = first;
    const [item] = share.items;
    this.#bySender.delete(sender);
    this.#bySender.set(sender, share);
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

/** The sender with the greatest weight, if that is more than `least`. The first one of equals. */
export function heaviest<Sender>(
  senders: Iterable<Sender>,
  weightOf: (sender: Sender) => number,
  least: number,
): Sender | undefined {
  let found: Sender | undefined;
  let most = least;
  for (const sender of senders) {
    const weight = weightOf(sender);
    if (weight <= most) continue;
    found = sender;
    most = weight;
  }
  return found;
}

interface SenderShare<Item> {
  weight: number;
  /** The oldest item first. */
  readonly items: Set<Item>;
}
