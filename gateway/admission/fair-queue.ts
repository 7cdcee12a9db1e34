/** What waits in a fair queue. */
export interface Waiting {
  /** The items of one sender wait for one another. */
  readonly sender: string;
  /** How much it counts: at least 1. */
  readonly weight: number;
}

/**
 * A queue from which senders take turns: each has its oldest item taken, so that many items of one sender delay another's
 * by one of them and not by all. What is too much is taken from the sender with the greatest weight, newest first; how
 * much that is, its owner decides.
 *
 * Requests that wait for a plan and operations that wait for a planner's thread are in such queues. Two have their own:
 * `AdmissionQueue` (some of a sender's requests are queued until they are admitted, the others are held and refused) and
 * `UnsentRequests` (uploads are not taken in turn; the largest goes first).
 */
export class FairQueue<Item extends Waiting> {
  /** How many wait. */
  size = 0;
  /** Of all together. */
  weight = 0;
  /** The sender whose turn it is comes first; each has at least one item. */
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

  /** Takes out the oldest item of the sender whose turn it is. */
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

/** Which sender weighs most, if that is more than `least`; of equals the first. */
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

interface Share<Item> {
  weight: number;
  /** The oldest comes first. */
  readonly items: Set<Item>;
}
